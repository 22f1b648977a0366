"""A decision as the library hands it to its user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aegis_governance.decision.explain import explain
from aegis_governance.vocabulary import GATES, GateOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_governance.decision.verdict import Verdict
    from aegis_governance.vocabulary import PCWStatus


@dataclass(frozen=True)
class GateReport:
    """One gate of a decision, in words and numbers.

    Attributes:
        outcome: Passed, failed or not evaluated.
        value: The number that was judged; None when not evaluated.
        threshold: What it was judged against; None when not evaluated.
        confidence: Probability that the outcome is right; None when not evaluated.
        message: One sentence.
    """

    outcome: GateOutcome
    value: float | None
    threshold: float | None
    confidence: float | None
    message: str

    @property
    def passed(self) -> bool | None:
        """True, False, or None when the gate was not evaluated."""
        if self.outcome is GateOutcome.NOT_EVALUATED:
            return None
        return self.outcome is GateOutcome.PASSED

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain JSON values."""
        return {
            "outcome": self.outcome.value,
            "passed": self.passed,
            "value": self.value,
            "threshold": self.threshold,
            "confidence": self.confidence,
            "message": self.message,
        }


@dataclass(frozen=True)
class GateEvaluation:
    """The gates of a decision.

    Attributes:
        gates: Reports by gate name, in the order of ``GATES``.
    """

    gates: Mapping[str, GateReport]


@dataclass(frozen=True)
class DriftResult:
    """Where the agent stood.

    Attributes:
        status: The worst status of its features.
        divergences: Divergence in nats by feature; None while not judged.
        enforced: Whether drift could change this decision.
    """

    status: str
    divergences: Mapping[str, float | None]
    enforced: bool

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain JSON values."""
        return {
            "status": self.status,
            "divergences": dict(self.divergences),
            "enforced": self.enforced,
        }


@dataclass(frozen=True)
class Decision:
    """What was decided about one proposal, and why.

    Attributes:
        decision_id: ``d-`` and a UUID.
        timestamp: When, ISO 8601 with offset.
        status: Proceed, pause, halt or escalate.
        reason: Stable reason code.
        confidence: Least confidence of the evaluated gates; 0.0 when none was evaluated.
        gates: Reports by gate name.
        failing_gates: Names of the failed gates.
        rationale: Why, in words.
        next_steps: What to do now.
        constraints: What else to know.
        constraint_codes: The stable codes behind ``constraints``.
        override_eligible: Whether a two-key override may release it.
        override_requires: Roles whose signatures the override needs.
        shadow_mode: A dry run: advisory, releases nothing.
        mode: The deployment's mode, ``enforce`` or ``shadow``.
        drift_result: Where the agent stood; None when nobody watched.
        parameters_sha256: Hash of the parameter set, in hex.
        evaluator: Version of the evaluator.
    """

    decision_id: str
    timestamp: str
    status: PCWStatus
    reason: str
    confidence: float
    gates: Mapping[str, GateReport]
    failing_gates: tuple[str, ...]
    rationale: str
    next_steps: tuple[str, ...]
    constraints: tuple[str, ...]
    constraint_codes: tuple[str, ...]
    override_eligible: bool
    override_requires: tuple[str, ...]
    shadow_mode: bool
    mode: str
    drift_result: DriftResult | None
    parameters_sha256: str
    evaluator: int

    @property
    def gates_passed(self) -> int:
        """How many gates passed."""
        return sum(report.passed is True for report in self.gates.values())

    @property
    def gates_failed(self) -> int:
        """How many gates failed."""
        return len(self.failing_gates)

    @property
    def gate_evaluation(self) -> GateEvaluation:
        """The gates, under the name that the SDK documents."""
        return GateEvaluation(self.gates)

    def to_dict(self) -> dict[str, object]:
        """Return the decision as plain JSON values."""
        return {
            "decision_id": self.decision_id,
            "timestamp": self.timestamp,
            "status": self.status.value,
            "reason": self.reason,
            "confidence": self.confidence,
            "gates_passed": self.gates_passed,
            "gates_failed": self.gates_failed,
            "failing_gates": list(self.failing_gates),
            "rationale": self.rationale,
            "next_steps": list(self.next_steps),
            "constraints": list(self.constraints),
            "constraint_codes": list(self.constraint_codes),
            "override_eligible": self.override_eligible,
            "override_requires": list(self.override_requires),
            "shadow_mode": self.shadow_mode,
            "mode": self.mode,
            "drift_result": self.drift_result.to_dict() if self.drift_result else None,
            "parameters_sha256": self.parameters_sha256,
            "evaluator": self.evaluator,
            "gates": {name: report.to_dict() for name, report in self.gates.items()},
        }


@dataclass(frozen=True)
class Circumstances:
    """What a decision holds besides its verdict; see ``Decision`` for each field."""

    decision_id: str
    timestamp: str
    shadow_mode: bool
    mode: str
    drift_result: DriftResult | None
    parameters_sha256: str
    evaluator: int


def decision_from(verdict: Verdict, around: Circumstances, detail: str = "") -> Decision:
    """Return the decision that a verdict amounts to.

    Args:
        verdict: What evaluation said.
        around: Identity, time, mode and parameters.
        detail: Which field was refused, or what went wrong.
    """
    told = explain(
        verdict.reason,
        verdict.gates,
        verdict.constraints,
        detail=detail,
        override_eligible=verdict.override_eligible,
    )
    return Decision(
        status=verdict.status,
        reason=verdict.reason,
        confidence=verdict.confidence,
        gates=_reports(verdict, told.messages),
        failing_gates=verdict.failing,
        rationale=told.rationale,
        next_steps=told.next_steps,
        constraints=told.constraints,
        constraint_codes=verdict.constraints,
        override_eligible=verdict.override_eligible,
        override_requires=told.override_requires,
        **vars(around),
    )


def _reports(verdict: Verdict, messages: Mapping[str, str]) -> dict[str, GateReport]:
    reports = {}
    for name, (outcome, *numbers) in zip(GATES, verdict.gates):
        evaluated = outcome is not GateOutcome.NOT_EVALUATED
        value, threshold, confidence = numbers if evaluated else (None, None, None)
        reports[name] = GateReport(outcome, value, threshold, confidence, messages[name])
    return reports
