"""Signed decisions as the sealer publishes them, from a log with fixed keys, and lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, Message

from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records import bodies
from aegis_codecs.records.audit import AuditEntry, columns_of
from aegis_codecs.records.envelopes import SignedDecision
from aegis_codecs.records.proposals import content_sha256
from aegis_governance.vocabulary import GATES
from aegis_streams.client.kafka import Record
from aegis_streams.names import DECISIONS
from support.logs import ORIGIN, SampleLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOW = 1_767_225_600_000
DAY = 86_400_000


def proposal(**changes: object) -> dict[str, Any]:
    """Return a proposal that passes all gates, with some fields changed."""
    return {
        "proposal_id": "p-1",
        "submitted_at": NOW,
        "agent_id": "agent-1",
        "session_id": "",
        "phase": "plan",
        "proposal_summary": "Raise the limit",
        "estimated_impact": "medium",
        "risk_baseline": 0.1,
        "risk_proposed": 0.12,
        "profit_baseline": 1.0,
        "profit_proposed": 1.1,
        "novelty_score": 0.8,
        "complexity_score": 0.8,
        "quality_score": 0.85,
        "quality_subscores": [0.8, 0.9],
        "utility_result": None,
        "requires_human_approval": False,
        "time_sensitive": False,
        "reversible": True,
        "shadow_mode": False,
        "drift_baseline_data": None,
        "metadata": {},
        **changes,
    }


def decision_fields(about: dict[str, Any] | None = None, **changes: object) -> dict[str, Any]:
    """Return the fields of a PROCEED about a proposal, with some fields changed."""
    about = about or proposal()
    gates = {
        f"{gate}_{part}": value
        for gate in GATES
        for part, value in (
            ("outcome", "passed"),
            ("value", 0.5),
            ("threshold", 0.5),
            ("confidence", 1.0),
        )
    }
    return {
        "cause_topic": "aegis.proposals",
        "cause_partition": 0,
        "cause_offset": 7,
        "cause_timestamp": NOW,
        "cause_sha256": bytes(32),
        "ordinal": 0,
        "leaf_time": NOW,
        "decision_id": "d-1",
        "proposal_id": about["proposal_id"],
        "agent_id": about["agent_id"],
        "session_id": "",
        "phase": "plan",
        "impact": "medium",
        "content_sha256": content_sha256(about),
        "status": "proceed",
        "reason": "all_gates_passed",
        "detail": "",
        "confidence": 1.0,
        **gates,
        "drift_status": "insufficient_data",
        "drift_risk": None,
        "drift_profit": None,
        "constraints": [],
        "override_eligible": False,
        "dry_run": False,
        "mode": "enforce",
        "parameters_sha256": bytes(32),
        "evaluator": 1,
        "valid_until": NOW + DAY,
        "supersedes": None,
        **changes,
    }


def cause(offset: int, **changes: object) -> dict[str, Any]:
    """Return the fields of a leaf body that say which input it answers."""
    fields = decision_fields(cause_offset=offset)
    names = [name for name in fields if name.startswith("cause_")]
    return {**{name: fields[name] for name in (*names, "ordinal", "leaf_time")}, **changes}


def body(about: dict[str, Any] | None = None, **changes: object) -> bytes:
    """Return the body of such a decision."""
    return bodies.encode("DecisionMade", decision_fields(about, **changes))


def audit_entries(made: Sequence[bytes], origin: str = ORIGIN) -> list[AuditEntry]:
    """Return the entries of a log that has these bodies from its beginning."""
    found = []
    previous = ZERO_HASH
    for sequence, each in enumerate(made):
        leaf = leaf_hash(each)
        link = entry_hash(previous, leaf)
        found.append(AuditEntry(origin, sequence, previous, leaf, link, each, *columns_of(each)))
        previous = link
    return found


def as_message(record: Record) -> Message:
    """Return a record as the Kafka client hands it out."""
    topic, partition, offset, key, value = record
    return Message(topic=topic, partition=partition, offset=offset, key=key, value=value)


def as_error(code: int, *, retriable: bool = False, topic: str = DECISIONS) -> Message:
    """Return a message that reports an error."""
    return Message(topic=topic, partition=0, error=KafkaError(code, retriable=retriable))


class SignedStream:
    """A decisions topic in memory: seals bodies and makes records of them.

    The value of a record is a number under which `decode` finds the envelope.
    """

    def __init__(self, origin: str = ORIGIN, log: SampleLog | None = None) -> None:
        self.log = log or SampleLog(origin)
        self._envelopes: list[SignedDecision] = []

    def seal(self, made: Sequence[bytes]) -> list[Record]:
        """Seal leaves of any kind as one batch; return the records of its decisions."""
        receipts = self.log.append(made, inside=False)
        return [
            self.record(envelope(each, receipt))
            for each, receipt in zip(made, receipts, strict=True)
            if bodies.decode(each).kind == "DecisionMade"
        ]

    def record(self, published: SignedDecision) -> Record:
        """Return a record that carries an envelope."""
        self._envelopes.append(published)
        number = len(self._envelopes) - 1
        key = published.agent_id.encode()
        return Record(DECISIONS, 0, number, key, str(number).encode())

    def forge(self, genuine: Record, changes: Mapping[str, object]) -> Record:
        """Return a copy of a record with parts of its envelope changed."""
        published = self.decode(genuine.value or b"")._asdict()
        return self.record(SignedDecision._make({**published, **changes}.values()))

    def decode(self, value: bytes) -> SignedDecision:
        """Decode the value of a record."""
        return self._envelopes[int(value)]


def envelope(made: bytes, receipt: bytes) -> SignedDecision:
    """Return the envelope that the sealer would publish for a decision."""
    fields = bodies.decode(made).fields if made.startswith(b"\xc3\x01") else {}
    copies = ("decision_id", "proposal_id", "agent_id", "status")
    return SignedDecision(made, receipt, *(str(fields.get(name, "")) for name in copies))


def polls(*batches: Sequence[Message]) -> Callable[[int, float], list[Message]]:
    """Return a `consume` that hands out these batches, one a call, then nothing."""
    left = [list(batch) for batch in batches]
    return lambda _number, _timeout: left.pop(0) if left else []
