"""What a leaf body says, as far as it is judged here; and the copies that follow from it.

`Facts` is read from any body through its schema file. `Foreseen` is the quick way for the usual
leaf: the decision about the next proposal. Topic, partition, offset, timestamp, hash, time and
decision id of that leaf are foretold from the input, so that one comparison both reads and checks
them. Numbers of gates are not judged here: that is a replay's task.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_streams.fsck import binary
from aegis_streams.fsck.schemas import body_prefix, decode_body

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES: Final = ("proceed", "pause", "halt", "escalate")
_STATUS: Final = tuple(binary.string(status) for status in STATUSES)
_GIVEN: Final = b"\x02"
_NULL: Final = b"\x00"
_ID: Final = binary.long(38)
_PLACE: Final = struct.Struct(">IQI")
_KIND: Final = binary.string("DecisionMade")
_LONG: Final = 0x80


class Facts(NamedTuple):
    """What a body says; None or empty where it says nothing.

    `decision` is the decision made, or the first one in a repeat; `status` the state of whatever
    the leaf is about.
    """

    kind: str
    time: int
    agent: str | None
    proposal: str | None
    decision: str | None
    status: str | None
    actor: str | None
    cause_topic: str | None
    cause_partition: int
    cause_offset: int
    cause_timestamp: int
    cause_sha256: bytes
    ordinal: int
    content: bytes | None
    reason: str
    detail: str
    effective: str | None
    supersedes: str | None

    @property
    def refused(self) -> bool:
        """Whether a dead letter belongs to this leaf."""
        if self.kind == "InputRejected":
            return True
        refusal = self.content is None or self.reason == "evaluation_error"
        return self.kind == "DecisionMade" and refusal and self.ordinal == 0

    def columns(
        self,
    ) -> tuple[str, int, str | None, str | None, str | None, str | None, str | None]:
        """Return the searchable copies, in the order of the audit entry."""
        return self[:7]


def read(body: bytes) -> tuple[Facts, Mapping[str, Any]]:
    """Return the facts of a body, and all its fields.

    Raises:
        UnreadableError: It is no leaf body.
    """
    kind, fields = decode_body(body)
    get = fields.get
    repeated = kind == "ProposalRepeated"
    decision = get("first_decision_id") if repeated else get("decision_id")
    return (
        Facts(
            kind,
            fields["leaf_time"],
            get("agent_id") or None,
            get("proposal_id") or None,
            decision or None,
            get("status") or get("state") or None,
            get("actor") or None,
            get("cause_topic"),
            get("cause_partition", -1),
            get("cause_offset", -1),
            get("cause_timestamp", -1),
            get("cause_sha256", b""),
            get("ordinal", 0),
            get("content_sha256"),
            get("reason", ""),
            get("detail", ""),
            get("effective_decision_id"),
            get("supersedes"),
        ),
        fields,
    )


def columns_as_avro(facts: Facts) -> bytes:
    """Return the copies as they stand at the end of an audit entry."""
    optional = b"".join(
        _NULL if text is None else _GIVEN + binary.string(text) for text in facts.columns()[2:]
    )
    return binary.string(facts.kind) + binary.long(facts.time) + optional


class Foreseen:
    """Foretells the decision about the next proposal of one log.

    Args:
        origin: The log.
        topic: Name of the topic of proposals.
        partition: The partition.
    """

    def __init__(self, origin: str, topic: str, partition: int) -> None:
        self._topic, self._partition = topic, partition
        self._start = body_prefix("DecisionMade") + binary.string(topic) + binary.long(partition)
        self._id = sha256(f"{origin}\0{topic}\0".encode())

    def decision_id(self, offset: int, ordinal: int = 0) -> str:
        """Return the id that rule 9 gives a decision about the proposal at `offset`."""
        digest = self._id.copy()
        digest.update(_PLACE.pack(self._partition, offset, ordinal))
        return as_decision_id(digest.hexdigest())

    def read(
        self, body: bytes, source: tuple[int, int, bytes | None, bytes | None], time: int
    ) -> tuple[Facts, bytes] | None:
        """Return facts and copies of a body; None if it is not the one foreseen.

        Args:
            body: The body.
            source: The next proposal: offset, timestamp, key, value.
            time: Leaf time of the leaf before.
        """
        offset, stamp, _, value = source
        time = max(time, stamp)
        raw = sha256(value or b"").digest()
        decision = self.decision_id(offset)
        start = b"".join(
            (
                self._start,
                binary.long(offset),
                binary.long(stamp),
                raw,
                _NULL,
                binary.long(time),
                _ID,
                decision.encode(),
            )
        )
        if not body.startswith(start):
            return None
        try:
            return self._rest(body, len(start), decision, (offset, stamp, raw, time))
        except (IndexError, ValueError):
            return None

    def _rest(
        self, body: bytes, at: int, decision: str, cause: tuple[int, int, bytes, int]
    ) -> tuple[Facts, bytes]:
        offset, stamp, raw, time = cause
        proposal = body[at : (at := binary.skip_string(body, at))]
        agent = body[at : (at := binary.skip_string(body, at))]
        at = binary.skip_string(body, at)  # session
        at += 2 if body[at] else 1  # phase
        at += 2 if body[at] else 1  # impact
        content = None
        if body[at]:
            content = body[at + 1 : at + 33]
            at += 32
        status = body[at + 1] >> 1
        reason = body[at + 2 : binary.skip_string(body, at + 2)]
        if len(proposal) < 2 or len(agent) < 2 or not reason:  # noqa: PLR2004 - a length and text
            raise ValueError("an id is empty")
        columns = b"".join(
            (
                _KIND,
                binary.long(time),
                _GIVEN,
                agent,
                _GIVEN,
                proposal,
                _GIVEN,
                _ID,
                decision.encode(),
                _GIVEN,
                _STATUS[status],
                _NULL,
            )
        )
        detail_at = at + 2 + len(reason)
        return (
            Facts(
                "DecisionMade",
                time,
                _text(agent),
                _text(proposal),
                decision,
                STATUSES[status],
                None,
                self._topic,
                self._partition,
                offset,
                stamp,
                raw,
                0,
                content,
                _text(reason),
                "" if content else _text(body[detail_at : binary.skip_string(body, detail_at)]),
                None,
                None,
            ),
            columns,
        )


def as_decision_id(digest: str) -> str:
    """Return `d-` and the UUID (version 8) made of the first 16 bytes of a digest in hex."""
    variant = "89ab"[int(digest[16], 16) & 3]
    return (
        f"d-{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
    )


def decision_id(origin: str, facts: Facts) -> str:
    """Return the id that rule 9 gives the decision in a leaf."""
    data = f"{origin}\0{facts.cause_topic}\0".encode()
    place = _PLACE.pack(facts.cause_partition, facts.cause_offset, facts.ordinal)
    return as_decision_id(sha256(data + place).hexdigest())


def _text(data: bytes) -> str:
    return data[1 if data[0] < _LONG else 2 :].decode()
