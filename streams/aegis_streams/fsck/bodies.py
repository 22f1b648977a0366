"""What a leaf body says, as far as it is judged here; and the copies that follow from it.

`Facts` is read from any body through its schema file. `Foreseen` is the quick way for the usual
leaf: the decision about the next proposal. Topic, partition, offset, timestamp, hash, time and
decision id of that leaf are foretold from the input, so that one comparison both reads and checks
them; the rest must have the usual form up to its last byte. Numbers of gates are not judged here:
that is a replay's task.
"""

from __future__ import annotations

import re
import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_streams.fsck import binary
from aegis_streams.fsck.schemas import body_prefix, decode_body

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES: Final = ("proceed", "pause", "halt", "escalate")
_STATUS: Final = tuple(binary.string(status) for status in STATUSES)
_LONGEST: Final = 128
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_GIVEN: Final = b"\x02"
_NULL: Final = b"\x00"
_NOT_NEW: Final = frozenset(
    map(binary.string, ("duplicate_id", "horizon_full", "evaluation_error"))
)
"""Reasons of decisions that are no new ones, or that have a dead letter."""
_LONG: Final = rb"(?:[\x00-\x7f]|[\x80-\xff]{1,8}[\x01-\x7f])"


def _one_of(*texts: str) -> bytes:
    return b"(?:" + b"|".join(re.escape(binary.string(text)) for text in texts) + b")"


_CONSTRAINT: Final = _one_of(
    "drift_warning", "risk_ceiling", "profit_floor", "utility_required", "advisory_baseline"
)
_REST: Final = re.compile(
    b"".join(
        (
            rb"(?:\x00|\x02[\x00\x02\x04])",  # phase
            rb"(?:\x00|\x02[\x00\x02\x04\x06])",  # impact
            rb"\x02(.{32})([\x00\x02\x04\x06])([\x02-\x7e][a-z0-9_]+)",  # content, status, reason
            rb"\x00.{8}(?:[\x00\x02\x04].{24}){6}",  # no detail, confidence, six gates
            _one_of("insufficient_data", "normal", "warning", "critical"),
            rb"(?:\x00|\x02.{8})(?:\x00|\x02.{8})",  # the two divergences
            rb"(?:\x02" + _CONSTRAINT + rb")?\x00[\x00\x01]{2}",  # at most one constraint; flags
            _one_of("enforce", "shadow"),
            rb".{32}" + _LONG + rb"(?:\x00|\x02" + _LONG + rb")\x00",  # parameters to supersedes
        )
    ),
    re.DOTALL,
)
"""A decision from the phase on, as it usually is; whatever is not is read in full."""
_PLACE: Final = struct.Struct(">IQI")
_KIND: Final = binary.string("DecisionMade")


class Facts(NamedTuple):
    """What a body says; None or empty where it says nothing.

    `agent`, `proposal`, `decision`, `status` and `actor` are None too where a body says what cannot
    be searched for (see `searchable`): what an input held that was refused.

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
            searchable(get("agent_id")),
            searchable(get("proposal_id")),
            searchable(decision),
            searchable(get("status") or get("state")),
            searchable(get("actor")),
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


def searchable(text: str | None) -> str | None:
    """Return a text as it is copied: 1 to 128 characters without control characters, or None."""
    if not text or len(text) > _LONGEST or _has_control(text):
        return None
    return text


def _has_control(text: str) -> bool:
    return not text.isprintable() and _CONTROL.search(text) is not None


def _are_searchable(agent: bytes, proposal: bytes) -> bool:
    """Tell whether both are copied as they are."""
    if agent.isascii() and proposal.isascii():
        sizes = 0 < len(agent) <= _LONGEST and 0 < len(proposal) <= _LONGEST
        return sizes and (agent + proposal).decode().isprintable()
    try:
        return None not in (searchable(agent.decode()), searchable(proposal.decode()))
    except UnicodeDecodeError:
        return False


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
        cause_sha256: Hash of the input's value.
        decision: Decision id, its 16 bytes.
        released: The copies that stand behind the released decision.
        columns: The copies that stand behind the leaf.
    """

    time: int
    identity: bytes
    content: bytes
    cause_sha256: bytes
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
        spelled, digest = binary.long(time), sha256(value or b"").digest()
        start = b"".join(
            (
                self._start,
                binary.long(offset),
                spelled if stamp == time else binary.long(stamp),
                digest,
                _NULL,
                spelled,
                shown,
            )
        )
        if not key or not body.startswith(start):
            return None
        try:
            return self._rest(body, len(start), time, (decision, shown, digest), key)
        except IndexError:
            return None

    @staticmethod
    def _rest(
        body: bytes, at: int, time: int, known: tuple[bytes, bytes, bytes], key: bytes
    ) -> Plain | None:
        """Read from the proposal id on; None for refusals and whatever is not spelled as usual."""
        first = at
        length, begin = binary.read_long(body, at)
        proposal = body[first : (at := begin + length)]
        agent = binary.string(key)
        if not body.startswith(agent, at) or not _are_searchable(key, body[begin:at]):
            return None
        session = at + len(agent)
        at = binary.skip_string(body, session)
        if not body[first:at].isascii() and not _are_texts(proposal, agent, body[session:at]):
            return None
        rest = _REST.fullmatch(body, at)
        if rest is None:
            return None
        content, status, reason = rest.groups()
        if reason[0] != 2 * len(reason) - 2 or reason in _NOT_NEW:
            return None
        decision, shown, digest = known
        spelled = _STATUS[status[0] >> 1]
        return Plain(
            time,
            sha256(agent + proposal).digest()[:16],
            content,
            digest,
            decision,
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


def _are_texts(*spelled: bytes) -> bool:
    """Tell whether these are Avro strings in their one spelling."""
    try:
        for each in spelled:
            text = each[binary.read_long(each, 0)[1] :]
            if binary.string(text.decode()) != each:
                return False
    except UnicodeDecodeError:
        return False
    return True


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
