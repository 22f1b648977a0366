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
_NOT_NEW: Final = frozenset(
    map(binary.string, ("duplicate_id", "horizon_full", "evaluation_error"))
)
"""Reasons of decisions that are no new ones, or that have a dead letter."""
_PLACE: Final = struct.Struct(">IQI")
_KIND: Final = binary.string("DecisionMade")


class Facts(NamedTuple):
    """What a body says; None or empty where it says nothing.

    `decision` is the decision made, or the first one in a repeat; `status` the state of whatever
    the leaf is about; `identity` stands for agent and proposal id; `released` are the copies that
    stand behind a released decision.
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
    identity: bytes
    released: bytes

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
    agent, proposal = binary.string(get("agent_id") or ""), binary.string(get("proposal_id") or "")
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
            identity_of(agent, proposal),
            binary.string(decision or "") + proposal + agent + binary.string(get("status") or ""),
        ),
        fields,
    )


def identity_of(agent: bytes, proposal: bytes) -> bytes:
    """Return 16 bytes that stand for an agent and a proposal id, given as Avro strings."""
    return sha256(agent + proposal).digest()[:16]


def columns_as_avro(facts: Facts) -> bytes:
    """Return the copies as they stand at the end of an audit entry."""
    optional = b"".join(
        _NULL if text is None else _GIVEN + binary.string(text) for text in facts.columns()[2:]
    )
    return binary.string(facts.kind) + binary.long(facts.time) + optional


class Plain(NamedTuple):
    """The decision about a new proposal that stands next in line: as foreseen, and not refused.

    Attributes:
        time: Leaf time.
        identity: Stands for agent and proposal id.
        content: Content hash of the proposal.
        decision: Decision id, its 16 bytes.
        released: The copies that stand behind the released decision.
        columns: The copies that stand behind the leaf.
    """

    time: int
    identity: bytes
    content: bytes
    decision: bytes
    released: bytes
    columns: bytes


class Foreseen:
    """Foretells the decision about the next proposal of one log.

    Args:
        origin: The log.
        topic: Name of the topic of proposals.
        partition: The partition.
    """

    def __init__(self, origin: str, topic: str, partition: int) -> None:
        self._partition = partition
        self._start = body_prefix("DecisionMade") + binary.string(topic) + binary.long(partition)
        self._id = sha256(f"{origin}\0{topic}\0".encode())

    def read(
        self, body: bytes, source: tuple[int, int, bytes | None, bytes | None], time: int
    ) -> Plain | None:
        """Return what is foreseen, if the body is that; else None, and it is read in full.

        Args:
            body: The body.
            source: The next proposal: offset, timestamp, key, value.
            time: Leaf time of the leaf before.
        """
        offset, stamp, key, value = source
        time = max(time, stamp)
        hashed = self._id.copy()
        hashed.update(_PLACE.pack(self._partition, offset, 0))
        decision = _uuid8(hashed.digest())
        shown = _shown(decision)
        spelled = binary.long(time)
        start = b"".join(
            (
                self._start,
                binary.long(offset),
                spelled if stamp == time else binary.long(stamp),
                sha256(value or b"").digest(),
                _NULL,
                spelled,
                shown,
            )
        )
        if not key or not body.startswith(start):
            return None
        try:
            return self._rest(body, len(start), time, (decision, shown), key)
        except IndexError:
            return None

    @staticmethod
    def _rest(
        body: bytes, at: int, time: int, decision: tuple[bytes, bytes], key: bytes
    ) -> Plain | None:
        """Read from the proposal id on; None for refusals and whatever is not spelled as usual."""
        proposal = body[at : (at := binary.skip_string(body, at))]
        agent = binary.string(key)
        if len(proposal) == 1 or not body.startswith(agent, at):
            return None
        at = binary.skip_string(body, at + len(agent))  # behind the session
        at += 2 if body[at] else 1  # phase
        at += 2 if body[at] else 1  # impact
        if not body[at]:
            return None
        status = at + 33
        reason = body[status + 1 : binary.skip_string(body, status + 1)]
        if reason in _NOT_NEW:
            return None
        spelled, shown = _STATUS[body[status] >> 1], decision[1]
        return Plain(
            time,
            sha256(agent + proposal).digest()[:16],
            body[at + 1 : at + 33],
            decision[0],
            b"".join((shown, proposal, agent, spelled)),
            b"".join(
                (
                    _KIND,
                    binary.long(time),
                    _GIVEN,
                    agent,
                    _GIVEN,
                    proposal,
                    _GIVEN,
                    shown,
                    _GIVEN,
                    spelled,
                    _NULL,
                )
            ),
        )


def _uuid8(digest: bytes) -> bytes:
    """Return the first 16 bytes of a digest, marked as a UUID of version 8."""
    marks = bytes((digest[6] & 0x0F | 0x80, digest[7], digest[8] & 0x3F | 0x80))
    return digest[:6] + marks + digest[9:16]


def _shown(decision: bytes) -> bytes:
    """Return a decision id as an Avro string."""
    text = decision.hex()
    return b"Ld-%b" % (f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode())


def decision_id(origin: str, facts: Facts) -> str:
    """Return the id that rule 9 gives the decision in a leaf; empty where no input can lie."""
    data = f"{origin}\0{facts.cause_topic}\0".encode()
    try:
        place = _PLACE.pack(facts.cause_partition, facts.cause_offset, facts.ordinal)
    except struct.error:
        return ""
    return _shown(_uuid8(sha256(data + place).digest()))[1:].decode()
