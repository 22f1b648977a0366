"""Tables that all drift windows under one parameter set share.

The divergence of a window from a baseline is, over the bins i of the baseline's histogram,

    KL = sum p_i ln(p_i / q_i),  p_i = (c_i + a) / (n + a B),  q_i = (b_i + a) / (m + a B)

with window counts ``c``, baseline counts ``b``, their totals ``n`` and ``m``, ``B`` bins and the
pseudo-count ``a``. It is computed from the integer counts alone, as

    (sum (c_i + a) (ln(c_i + a) - ln q_i)) / (n + a B) - ln(n + a B),

in bin order, with logarithms tabled once; so a window that slid for a year and one filled from
scratch give the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_governance.numerics import ln
from aegis_governance.vocabulary import FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_governance.config import AegisConfig, FeatureBaseline

Table = tuple[tuple[float, float], ...]
"""For each count from 0 to the window's size: a mass, and its natural logarithm."""


class FeatureModel:
    """What a window of one feature is compared with.

    Attributes:
        id: The baseline's id.
        edges: Inner bin edges, strictly rising.
    """

    __slots__ = ("_log_shares", "_logs", "_totals", "edges", "id")

    def __init__(
        self, baseline: FeatureBaseline, pseudo_count: float, logs: Table, totals: Table
    ) -> None:
        """Table the baseline's log shares.

        Args:
            baseline: The approved histogram.
            pseudo_count: Added to every bin, above 0.
            logs: For each bin count from 0 to the window's size: the count with its pseudo-count,
                and the logarithm of that.
            totals: Likewise for each total of all bins.
        """
        self.id: Final = baseline.id
        self.edges: Final = baseline.edges
        log_total = ln(sum(baseline.counts) + pseudo_count * len(baseline.counts))
        self._log_shares: Final = tuple(
            ln(count + pseudo_count) - log_total for count in baseline.counts
        )
        self._logs: Final = logs
        self._totals: Final = totals

    def divergence(self, counts: Sequence[int], total: int) -> float:
        """Return KL(window || baseline) in nats, at least 0, for bin counts that sum to total."""
        logs = self._logs
        weighted = 0.0
        for count, log_share in zip(counts, self._log_shares):
            mass, log_mass = logs[count]
            weighted += mass * (log_mass - log_share)
        whole, log_whole = self._totals[total]
        divergence = weighted / whole - log_whole
        return divergence if divergence > 0.0 else 0.0


class DriftModel:
    """Thresholds, window size and baselines, resolved per agent.

    Attributes:
        window: Most values that a window holds.
        minimum: Values below which drift is not judged.
        tau_warning: Divergence in nats from which drift warns.
        tau_critical: Divergence in nats from which drift is critical.
    """

    def __init__(self, config: AegisConfig) -> None:
        self.window: Final = config.drift_window
        self.minimum: Final = config.drift_minimum
        self.tau_warning: Final = config.tau_warning
        self.tau_critical: Final = config.tau_critical
        self._pseudo: Final = config.drift_pseudo_count
        self._logs: Final = self._table(self._pseudo)
        self._totals: Final[dict[int, Table]] = {}
        self._baselines: Final = config.baseline_index
        self._models: dict[FeatureBaseline, FeatureModel] = {}

    def features_of(self, agent_id: str) -> tuple[FeatureModel | None, ...]:
        """Return, per feature in the order of ``FEATURES``, what the agent is compared with."""
        baseline = self._baselines.of(agent_id)
        if baseline is None:
            return _NONE
        return tuple(self._model(getattr(baseline, feature)) for feature in FEATURES)

    def _model(self, baseline: FeatureBaseline | None) -> FeatureModel | None:
        if baseline is None:
            return None
        model = self._models.get(baseline)
        if model is None:
            totals = self._totals_of(len(baseline.counts))
            model = FeatureModel(baseline, self._pseudo, self._logs, totals)
            self._models[baseline] = model
        return model

    def _totals_of(self, bins: int) -> Table:
        if bins not in self._totals:
            self._totals[bins] = self._table(bins * self._pseudo)
        return self._totals[bins]

    def _table(self, extra: float) -> Table:
        masses = (count + extra for count in range(self.window + 1))
        return tuple((mass, ln(mass)) for mass in masses)


_NONE: Final = (None,) * len(FEATURES)
