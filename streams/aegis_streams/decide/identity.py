"""Where an input came from, and the decision id that follows from it."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from confluent_kafka import Message

UNREADABLE: Final[list[Any]] = []
"""Stands, by identity, for headers of which a name is not UTF-8."""
_COORDINATES: Final = struct.Struct(">IQI")
_VERSION: Final = "8"
_VARIANTS: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


class InputRecord(NamedTuple):
    """An input as Kafka holds it: the bytes, where they lie and when the broker took them.

    Attributes:
        topic: Input topic.
        partition: Partition number, the same for everything that follows from the record.
        offset: Offset within the partition.
        timestamp: Broker's append time, milliseconds since 1970.
        key: Record key, None if there is none.
        value: Record value, None for a tombstone.
        headers: Header pairs; a value may be None. `UNREADABLE` if they could not be read.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] | None = None

    @classmethod
    def of(cls, message: Message) -> InputRecord:
        """Return the input that a Kafka message holds."""
        try:
            headers = message.headers()
        except SystemError as error:
            if not isinstance(error.__cause__, UnicodeDecodeError):
                raise
            # The message keeps a list with a hole in it, which ends the process when it is looked
            # at; the batch may come again with the same message.
            message.set_headers(UNREADABLE)
            headers = UNREADABLE
        return cls(
            message.topic() or "",
            message.partition() or 0,
            message.offset() or 0,
            message.timestamp()[1],
            message.key(),
            message.value(),
            cast("list[tuple[str, bytes | None]] | None", headers),
        )


def decision_id(origin: str, record: InputRecord, ordinal: int) -> str:
    """Return `d-` and a UUID (version 8) over log origin, cause and ordinal (rules 9).

    The hashed bytes are origin, NUL, topic, NUL, then partition (4 bytes), offset (8) and
    ordinal (4), big-endian: no two causes share them.
    """
    digest = hashlib.sha256(
        f"{origin}\0{record.topic}\0".encode()
        + _COORDINATES.pack(record.partition, record.offset, ordinal)
    ).hexdigest()
    return (
        f"d-{digest[:8]}-{digest[8:12]}-{_VERSION}{digest[13:16]}"
        f"-{_VARIANTS[digest[16]]}{digest[17:20]}-{digest[20:32]}"
    )
