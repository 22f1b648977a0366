"""What the sealer and the error path publish: sealed decisions, checkpoints, dead letters."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.records.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEAD_LETTER: Final = 1 << 20
"""Bytes of a dead letter; a larger original is cut."""

_ROOM: Final = 8192
"""Bytes of a dead letter set aside for everything but key, value and headers."""


class SignedDecision(NamedTuple):
    """A sealed decision.

    ``body`` and ``receipt`` are what counts; the rest are copies, believed only once verified.
    """

    body: bytes
    receipt: bytes
    decision_id: str
    proposal_id: str
    agent_id: str
    status: str


class CheckpointRecord(NamedTuple):
    """A signed tree head on the checkpoint topic; ``note`` is what counts."""

    log: str
    size: int
    note: bytes
    keep: bool


class DeadLetter(NamedTuple):
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


class Origin(NamedTuple):
    """Where a refused record came from."""

    topic: str
    partition: int
    offset: int
    timestamp: int


@cache
def signed_decision_codec() -> Codec[SignedDecision]:
    """The codec of sealed decisions."""
    return Codec("SignedDecision", SignedDecision)


@cache
def checkpoint_codec() -> Codec[CheckpointRecord]:
    """The codec of checkpoint records."""
    return Codec("Checkpoint", CheckpointRecord)


@cache
def dead_letter_codec() -> Codec[DeadLetter]:
    """The codec of dead letters."""
    return Codec("DeadLetter", DeadLetter)


def dead_letter(  # noqa: PLR0917 - the parts of a flat record, in its order
    reason: str,
    detail: str,
    origin: Origin,
    key: bytes | None,
    value: bytes | None,
    headers: Mapping[str, bytes | None],
    leaf: tuple[str, int],
) -> DeadLetter:
    """Build a dead letter of at most ``MAX_DEAD_LETTER`` bytes.

    The value is cut to what fits; headers that leave it no room are dropped. Either sets
    ``truncated``; length and hash are always those of the whole value.

    Args:
        reason: Stable refusal code.
        detail: The same in words, at most 1024 characters.
        origin: Coordinates of the refused record.
        key: Its key.
        value: Its value; None counts as empty.
        headers: Its headers, the last of each name; None counts as empty.
        leaf: Log and sequence of the leaf about the refusal.
    """
    raw = value or b""
    texts = {name: text or b"" for name, text in headers.items()}
    room = MAX_DEAD_LETTER - _ROOM - len(key or b"")
    weight = sum(len(name.encode()) + len(text) + 16 for name, text in texts.items())
    kept = texts if weight <= room // 2 else {}
    cut = raw[: room - weight if kept else room]
    return DeadLetter(
        reason,
        detail,
        *origin,
        key,
        cut,
        len(raw),
        hashlib.sha256(raw).digest(),
        kept,
        len(cut) < len(raw) or len(kept) < len(texts),
        *leaf,
    )
