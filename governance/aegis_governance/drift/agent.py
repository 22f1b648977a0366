"""The drift of one agent: a window per feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_governance.drift.window import RANKS, STATUSES, DriftWindow
from aegis_governance.vocabulary import FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_governance.config import AegisConfig
    from aegis_governance.vocabulary import DriftStatus


class DriftChange(NamedTuple):
    """A feature's status changed.

    Attributes:
        feature: ``risk`` or ``profit``.
        former: The status before.
        status: The status now.
        divergence: The divergence in nats that led to it; None when the baseline was withdrawn.
        size: Values in the window.
        baseline_id: Id of the baseline; empty without one.
    """

    feature: str
    former: DriftStatus
    status: DriftStatus
    divergence: float | None
    size: int
    baseline_id: str


class DriftObservation(NamedTuple):
    """Where an agent stands.

    Attributes:
        status: The worst status of its features.
        divergences: Per feature the divergence in nats, or None while it is not judged.
        changes: Status changes that this observation brought, in feature order.
    """

    status: DriftStatus
    divergences: tuple[float | None, ...]
    changes: tuple[DriftChange, ...]


class DriftState(NamedTuple):
    """Everything that has to be kept to go on later; rebuilds the windows exactly.

    Attributes:
        values: Per feature the window's values as ``DriftWindow.packed`` writes them.
        statuses: Per feature the standing status.
        baseline_ids: Per feature the id of the baseline; empty without one.
    """

    values: tuple[bytes, ...]
    statuses: tuple[str, ...]
    baseline_ids: tuple[str, ...]


class AgentDrift:
    """The drift windows of one agent under one parameter set."""

    __slots__ = ("_profit", "_risk")

    def __init__(self, config: AegisConfig, agent_id: str) -> None:
        """Start with empty windows.

        Args:
            config: The parameter set.
            agent_id: Decides which approved baselines apply.
        """
        shared = config.drift_model
        risk, profit = shared.features_of(agent_id)
        self._risk: Final = DriftWindow(shared, risk)
        self._profit: Final = DriftWindow(shared, profit)

    def observe(self, risk: float, profit: float) -> DriftObservation:
        """Take in a proposal's finite proposed risk and profit, and judge again."""
        former = (self._risk.rank, self._profit.rank)
        changed = self._risk.observe(risk)
        if self._profit.observe(profit) or changed:
            return self.current()._replace(changes=self._changes(former))
        return self.current()

    def take_back(self) -> None:
        """Undo the latest ``observe``: its proposal was refused after all.

        Call it once, and before anything else is observed or restored.
        """
        self._risk.take_back()
        self._profit.take_back()

    def current(self) -> DriftObservation:
        """Return where the agent stands, without observing anything."""
        risk, profit = self._risk, self._profit
        worst = risk.rank if risk.rank > profit.rank else profit.rank
        return DriftObservation(STATUSES[worst], (risk.divergence, profit.divergence), ())

    def window(self, feature: str) -> DriftWindow:
        """Return the window of a feature named in ``FEATURES``."""
        return self._windows()[FEATURES.index(feature)]

    def state(self) -> DriftState:
        """Return what ``restore`` needs."""
        windows = self._windows()
        return DriftState(
            tuple(window.packed() for window in windows),
            tuple(STATUSES[window.rank].value for window in windows),
            tuple(_baseline_id(window) for window in windows),
        )

    def restore(
        self, values: Sequence[bytes], statuses: Sequence[str], baseline_ids: Sequence[str]
    ) -> None:
        """Go on from a state that was kept, under the same or other parameters.

        Args:
            values: Per feature the packed values.
            statuses: Per feature the standing status.
            baseline_ids: Per feature the id of the baseline then. Where it is not the present one,
                the window starts empty and the former status stands until it has refilled.
        """
        kept = zip(self._windows(), values, statuses, baseline_ids)
        for window, packed, status, baseline_id in kept:
            same = baseline_id == _baseline_id(window)
            window.restore(packed if same else b"", RANKS[status])

    def _windows(self) -> tuple[DriftWindow, DriftWindow]:
        return self._risk, self._profit

    def _changes(self, former: tuple[int, int]) -> tuple[DriftChange, ...]:
        return tuple(
            DriftChange(
                feature,
                STATUSES[before],
                STATUSES[window.rank],
                window.divergence,
                len(window),
                _baseline_id(window),
            )
            for feature, window, before in zip(FEATURES, self._windows(), former)
            if window.rank != before
        )


def _baseline_id(window: DriftWindow) -> str:
    return window.model.id if window.model is not None else ""
