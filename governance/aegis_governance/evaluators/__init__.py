"""Evaluators by version; those once used stay, so that old decisions can be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from aegis_governance.errors import UnknownEvaluatorError
from aegis_governance.evaluators.v1 import EvaluatorV1

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aegis_governance.config import AegisConfig
    from aegis_governance.decision.verdict import Gates, Judgement, Verdict
    from aegis_governance.drift import DriftObservation
    from aegis_governance.gates import GateInputs


class Evaluator(Protocol):
    """Judges proposals under one parameter set."""

    @property
    def version(self) -> int:
        """The number that decisions name this evaluator by."""

    @property
    def config(self) -> AegisConfig:
        """The parameter set."""

    def evaluate(
        self, inputs: GateInputs, agent_id: str, drift: DriftObservation | None
    ) -> Verdict:
        """Judge one faultless proposal: a pure function of its arguments and the parameters."""


class StagedEvaluator(Evaluator, Protocol):
    """An evaluator whose two parts can be called one after the other, for many proposals each."""

    def gates(self, inputs: GateInputs, agent_id: str) -> Gates:
        """Evaluate the six gates: the part that needs no state."""

    def judge(
        self, inputs: GateInputs, failing: tuple[str, ...], drift: DriftObservation | None
    ) -> Judgement:
        """Apply the decision rule to the names of the failed gates."""


EVALUATORS: Final[Mapping[int, Callable[[AegisConfig], StagedEvaluator]]] = {1: EvaluatorV1}
"""Every evaluator ever used, by version."""
CURRENT: Final = 1
"""The version that new deployments start with."""


def evaluator(version: int, config: AegisConfig) -> StagedEvaluator:
    """Return the evaluator of a version under a parameter set.

    Raises:
        UnknownEvaluatorError: This release does not hold that version.
    """
    if version not in EVALUATORS:
        known = ", ".join(str(each) for each in EVALUATORS)
        raise UnknownEvaluatorError(
            f"evaluator version {version} is unknown; this release holds {known}: "
            "use a release that holds it"
        )
    return EVALUATORS[version](config)
