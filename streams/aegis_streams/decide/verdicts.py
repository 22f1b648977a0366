"""From a verdict, or a refusal, to the fields of a `DecisionMade` leaf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_governance.decision import Verdict
    from aegis_governance.drift import DriftObservation

GATES: Final = ("risk", "profit", "novelty", "complexity", "quality", "utility")
_UNGATED: Final[Mapping[str, object]] = {
    f"{gate}_{part}": value
    for gate in GATES
    for part, value in (
        ("outcome", "not_evaluated"),
        ("value", 0.0),
        ("threshold", 0.0),
        ("confidence", 0.0),
    )
}


class RefusedFields(NamedTuple):
    """What a HALT without evaluation says."""

    reason: str
    detail: str
    agent_id: str
    proposal_id: str
    content_sha256: bytes | None = None


def decision_fields(
    proposal: Mapping[str, object], content: bytes, verdict: Verdict, observed: DriftObservation
) -> dict[str, object]:
    """Return the fields of an evaluated decision that follow from proposal and verdict."""
    risk, profit, novelty, complexity, quality, utility = verdict.gates
    divergences = observed.divergences
    return {
        "proposal_id": proposal["proposal_id"],
        "agent_id": proposal["agent_id"],
        "session_id": proposal["session_id"],
        "phase": proposal["phase"],
        "impact": proposal["estimated_impact"],
        "content_sha256": content,
        "status": verdict.status.value,
        "reason": verdict.reason,
        "detail": "",
        "confidence": verdict.confidence,
        "risk_outcome": risk.outcome,
        "risk_value": risk.value,
        "risk_threshold": risk.threshold,
        "risk_confidence": risk.confidence,
        "profit_outcome": profit.outcome,
        "profit_value": profit.value,
        "profit_threshold": profit.threshold,
        "profit_confidence": profit.confidence,
        "novelty_outcome": novelty.outcome,
        "novelty_value": novelty.value,
        "novelty_threshold": novelty.threshold,
        "novelty_confidence": novelty.confidence,
        "complexity_outcome": complexity.outcome,
        "complexity_value": complexity.value,
        "complexity_threshold": complexity.threshold,
        "complexity_confidence": complexity.confidence,
        "quality_outcome": quality.outcome,
        "quality_value": quality.value,
        "quality_threshold": quality.threshold,
        "quality_confidence": quality.confidence,
        "utility_outcome": utility.outcome,
        "utility_value": utility.value,
        "utility_threshold": utility.threshold,
        "utility_confidence": utility.confidence,
        "drift_status": observed.status.value,
        "drift_risk": divergences[0],
        "drift_profit": divergences[1],
        "constraints": list(verdict.constraints),
        "override_eligible": verdict.override_eligible,
        "dry_run": proposal["shadow_mode"],
        "valid_until": None,
        "supersedes": None,
    }


def refused_fields(
    refused: RefusedFields, proposal: Mapping[str, object] | None
) -> dict[str, object]:
    """Return the fields of a HALT that no gate was asked for; `proposal` if it was decoded."""
    known = proposal or {}
    return {
        **_UNGATED,
        "proposal_id": refused.proposal_id,
        "agent_id": refused.agent_id,
        "session_id": known.get("session_id", ""),
        "phase": known.get("phase"),
        "impact": known.get("estimated_impact"),
        "content_sha256": refused.content_sha256,
        "status": "halt",
        "reason": refused.reason,
        "detail": refused.detail,
        "confidence": 0.0,
        "drift_status": "insufficient_data",
        "drift_risk": None,
        "drift_profit": None,
        "constraints": [],
        "override_eligible": False,
        "dry_run": bool(known.get("shadow_mode", False)),
        "valid_until": None,
        "supersedes": None,
    }
