"""What the sealer and the error path publish: sealed decisions, checkpoints, dead letters."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from aegis_codecs.records.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEAD_LETTER: Final = 1 << 20
"""Bytes of a dead letter; a larger original is cut."""

_ROOM: Final = 8192
"""Bytes of a dead letter set aside for everything but key, value and headers."""


class SignedDecision(TypedDict):
    """A sealed decision.

    ``body`` and ``receipt`` are what counts; the rest are copies, believed only once verified.
    """

    body: bytes
    receipt: bytes
    decision_id: str
    proposal_id: str
    agent_id: str
    status: str


class CheckpointRecord(TypedDict):
    """A signed tree head on the checkpoint topic; ``note`` is what counts."""

    log: str
    size: int
    note: bytes
    keep: bool


class DeadLetter(TypedDict):
    """A refused input record, fields as in ``schemas/avro/DeadLetter.avsc``."""

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    value_length: int
    value_sha256: bytes
    headers: dict[str, bytes]
    truncated: bool
    log: str
    sequence: int


class Refusal(NamedTuple):
    """Why a record is refused."""

    reason: str
    """Stable refusal code."""
    detail: str
    """The same in words, at most 1024 characters."""


class Origin(NamedTuple):
    """Where a refused record came from."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class Original(NamedTuple):
    """What a refused record was."""

    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None]
    """The last of each name."""


class Leaf(NamedTuple):
    """Where the log holds the leaf about the refusal."""

    log: str
    sequence: int


@cache
def signed_decision_codec() -> Codec[SignedDecision]:
    """The codec of sealed decisions."""
    return Codec("SignedDecision")


@cache
def checkpoint_codec() -> Codec[CheckpointRecord]:
    """The codec of checkpoint records."""
    return Codec("Checkpoint")


@cache
def dead_letter_codec() -> Codec[DeadLetter]:
    """The codec of dead letters."""
    return Codec("DeadLetter")


def dead_letter(refusal: Refusal, origin: Origin, original: Original, leaf: Leaf) -> DeadLetter:
    """Build a dead letter of at most ``MAX_DEAD_LETTER`` bytes.

    The value is cut to what fits; headers that leave it no room are dropped. Either sets
    ``truncated``; length and hash are always those of the whole value.
    """
    raw = original.value or b""
    headers = {name: text or b"" for name, text in original.headers.items()}
    room = MAX_DEAD_LETTER - _ROOM - len(original.key or b"")
    weight = sum(len(name.encode()) + len(text) + 16 for name, text in headers.items())
    kept = headers if weight <= room // 2 else {}
    cut = raw[: room - weight if kept else room]
    return {
        "reason": refusal.reason,
        "detail": refusal.detail,
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
        "timestamp": origin.timestamp,
        "key": original.key,
        "value": cut,
        "value_length": len(raw),
        "value_sha256": hashlib.sha256(raw).digest(),
        "headers": kept,
        "truncated": len(cut) < len(raw) or len(kept) < len(headers),
        "log": leaf.log,
        "sequence": leaf.sequence,
    }
