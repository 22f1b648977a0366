"""From a verdict, or a refusal, to a `DecisionMade` leaf."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.records import bodies
from aegis_governance.vocabulary import GATES, PCWStatus
from aegis_streams.decide.gates import PACKED_FIELDS
from aegis_streams.names import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_codecs.records.proposals import Proposal
    from aegis_governance.config import AegisConfig
    from aegis_governance.decision.verdict import Judgement
    from aegis_governance.drift import DriftObservation
    from aegis_streams.decide.gates import GatesFound
    from aegis_streams.decide.head import Head
    from aegis_streams.decide.identity import InputRecord

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


class Made(NamedTuple):
    """A decision by evaluation, before it has bytes.

    Attributes:
        record: The input that causes it.
        time: Leaf time, milliseconds since 1970.
        decision_id: Its id.
        proposal: The decoded proposal.
        content: Its content hash.
        gates: What the gates found.
        verdict: What the decision rule makes of it.
        observed: Where the agent stands.
    """

    record: InputRecord
    time: int
    decision_id: str
    proposal: Proposal
    content: bytes
    gates: GatesFound
    verdict: Judgement
    observed: DriftObservation


class RefusedFields(NamedTuple):
    """What a HALT without evaluation says."""

    reason: str
    detail: str
    agent_id: str
    proposal_id: str
    content_sha256: bytes | None = None


class DecisionRows:
    """Encodes the bodies of one partition's evaluated decisions, each from one tuple.

    Args:
        partition: Number of the partition.
        head: Its head; parameters and evaluator must stay as they are there.
        config: The active parameters.
    """

    def __init__(self, partition: int, head: Head, config: AegisConfig) -> None:
        constants = {
            "cause_topic": PROPOSALS,
            "cause_partition": partition,
            "ordinal": 0,
            "detail": "",
            "mode": config.mode,
            "parameters_sha256": head.parameters_sha256,
            "evaluator": head.evaluator,
            "supersedes": None,
        }
        given = ("phase", "impact", "content_sha256")
        rows = bodies.BodyRows("DecisionMade", constants, given, PACKED_FIELDS)
        self._encode: Final = rows.encode
        self._valid_ms: Final = config.decision_valid_ms

    def body(self, made: Made) -> bytes:
        """Return the body of a decision."""
        record, time, identity, proposal, content, gates, verdict, observed = made
        dry_run = proposal["shadow_mode"]
        released = verdict.status is PCWStatus.PROCEED and not dry_run
        return self._encode(
            (
                record.offset,
                record.timestamp,
                sha256(record.value or b"").digest(),
                time,
                identity,
                proposal["proposal_id"],
                proposal["agent_id"],
                proposal["session_id"],
                proposal["phase"],
                proposal["estimated_impact"],
                content,
                verdict.status,
                verdict.reason,
                gates.confidence,
                gates.packed,
                observed.status._value_,
                *observed.divergences,
                verdict.constraints,
                verdict.override_eligible,
                dry_run,
                time + self._valid_ms if released else None,
            )
        )


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
