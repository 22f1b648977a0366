"""What the last leaf with an input of its own said about it: its consequences must say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from aegis_streams.fsck.bodies import Facts


class Cause(NamedTuple):
    """An input as its leaf describes it, and the last leaf about it.

    Attributes:
        topic: Topic; None before the first input.
        partition: Partition.
        offset: Offset.
        timestamp: Timestamp.
        sha256: SHA-256 of its value.
        key: Key of the leaf's record.
        ordinal: Number of the last leaf about it: 0 is its own, consequences follow.
    """

    topic: str | None = None
    partition: int = -1
    offset: int = -1
    timestamp: int = -1
    sha256: bytes = b""
    key: bytes | None = None
    ordinal: int = 0

    @classmethod
    def of(cls, facts: Facts, key: bytes | None) -> Cause:
        """Return the cause that a leaf names."""
        return cls(
            facts.cause_topic,
            facts.cause_partition,
            facts.cause_offset,
            facts.cause_timestamp,
            facts.cause_sha256,
            key,
            facts.ordinal,
        )

    @classmethod
    def from_plain(cls, plain: tuple[Any, ...]) -> Cause:
        """Return what `as_plain` was made of."""
        topic, partition, offset, timestamp, digest, key, ordinal = plain
        known = None if key is None else bytes.fromhex(key)
        return cls(topic, partition, offset, timestamp, bytes.fromhex(digest), known, ordinal)

    def as_plain(self) -> tuple[str | int | None, ...]:
        """Return it with bytes as hexadecimal."""
        key = None if self.key is None else self.key.hex()
        return (*self[:4], self.sha256.hex(), key, self.ordinal)
