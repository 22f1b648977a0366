"""Evaluator version 1. Decisions name it; once used, its results must never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_governance.decision import reasons
from aegis_governance.decision.rule import decide
from aegis_governance.decision.verdict import Gates, Judgement, Verdict
from aegis_governance.gates import (
    NOT_EVALUATED,
    complexity_gate,
    novelty_gate,
    profit_gate,
    quality_gate,
    risk_gate,
    utility_gate,
)
from aegis_governance.vocabulary import GATES, IMPACTS, DriftStatus, GateOutcome, Mode

if TYPE_CHECKING:
    from aegis_governance.config import AegisConfig
    from aegis_governance.drift import DriftObservation
    from aegis_governance.gates import GateInputs

_FAILED: Final = GateOutcome.FAILED
_WARNING: Final = DriftStatus.WARNING


class EvaluatorV1:
    """Six gates, approved baselines in place of the proposer's, then the decision rule.

    Attributes:
        version: The number that decisions name this evaluator by.
        config: The parameter set.
    """

    version: Final = 1

    def __init__(self, config: AegisConfig) -> None:
        self.config: Final = config
        self._risk: Final = risk_gate(config)
        self._profit: Final = profit_gate(config)
        self._novelty: Final = novelty_gate(config)
        self._complexity: Final = complexity_gate(config)
        self._quality: Final = quality_gate(config)
        self._utility: Final = utility_gate(config)
        self._baseline_of: Final = config.baseline_index.of
        self._enforced: Final = config.mode == Mode.ENFORCE
        required = config.utility_required_from
        first = IMPACTS.index(required) if required in IMPACTS else len(IMPACTS)
        self._utility_optional: Final = frozenset(IMPACTS[:first])

    def evaluate(
        self, inputs: GateInputs, agent_id: str, drift: DriftObservation | None
    ) -> Verdict:
        """Judge one proposal: a pure function of its arguments and the parameter set.

        Args:
            inputs: Inputs in which ``validate_inputs`` found no fault.
            agent_id: Decides which approved baselines apply.
            drift: Where the agent stands; None when that is unknown.
        """
        gates = self.gates(inputs, agent_id)
        failing = tuple(name for name, gate in zip(GATES, gates) if gate.outcome is _FAILED)
        confidence = 1.0
        for gate in gates:
            if gate.confidence < confidence and gate is not NOT_EVALUATED:
                confidence = gate.confidence
        status, reason, override_eligible, constraints = self.judge(inputs, failing, drift)
        return Verdict(status, reason, confidence, gates, failing, override_eligible, constraints)

    def gates(self, inputs: GateInputs, agent_id: str) -> Gates:
        """Evaluate the six gates: the part of ``evaluate`` that needs no state."""
        risk_baseline, profit_baseline = inputs.risk_baseline, inputs.profit_baseline
        approved = self._baseline_of(agent_id)
        if approved is not None:
            if approved.risk_baseline is not None:
                risk_baseline = approved.risk_baseline
            if approved.profit_baseline is not None:
                profit_baseline = approved.profit_baseline
        return (
            self._risk(risk_baseline, inputs.risk_proposed),
            self._profit(profit_baseline, inputs.profit_proposed),
            self._novelty(inputs.novelty_score),
            self._complexity(inputs.complexity_score),
            self._quality(inputs.quality_score, inputs.quality_subscores),
            self._utility(inputs.utility),
        )

    def judge(
        self, inputs: GateInputs, failing: tuple[str, ...], drift: DriftObservation | None
    ) -> Judgement:
        """Apply the decision rule: the part of ``evaluate`` that comes after the gates.

        Args:
            inputs: As of ``evaluate``.
            failing: Names of the failed gates, in gate order.
            drift: As of ``evaluate``.
        """
        enforced = drift.status if drift is not None and self._enforced else None
        missing = inputs.utility is None and inputs.impact not in self._utility_optional
        status, reason, override_eligible = decide(
            failing,
            inputs.impact,
            enforced,
            asks_for_person=inputs.requires_human_approval,
            reversible=inputs.reversible,
            utility_missing=missing,
        )
        constraints: tuple[str, ...] = ()
        if failing or missing or enforced == _WARNING or inputs.drift_baseline_data is not None:
            constraints = self._constraints(inputs, enforced, missing=missing)
        return Judgement(status, reason, override_eligible, constraints)

    def _constraints(
        self, inputs: GateInputs, enforced: DriftStatus | None, *, missing: bool
    ) -> tuple[str, ...]:
        config = self.config
        floor = config.profit_floor
        stated = (
            (reasons.DRIFT_WARNING, enforced == _WARNING),
            (reasons.RISK_CEILING, not inputs.risk_proposed <= config.risk_ceiling),
            (reasons.PROFIT_FLOOR, floor is not None and not inputs.profit_proposed >= floor),
            (reasons.UTILITY_REQUIRED, missing),
            (reasons.ADVISORY_BASELINE, inputs.drift_baseline_data is not None),
        )
        return tuple(code for code, applies in stated if applies)
