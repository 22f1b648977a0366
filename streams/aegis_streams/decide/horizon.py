"""The proposals table: which proposal ids were seen within the horizon, and what became of them.

A key is ``agent_id NUL proposal_id`` (identifiers hold no control characters). Entries go in
order of leaf time, so expiry looks at the oldest alone.
"""

from __future__ import annotations

import struct
import uuid
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENTRY: Final = struct.Struct(">Q32s16s16s?")


class KeyValue(Protocol):
    """A table of one partition: raw bytes, changed through `put` and `delete` alone."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None if there is none."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""

    def delete(self, key: bytes) -> None:
        """Remove a key."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return the pairs of key and value."""


class Seen(NamedTuple):
    """What is remembered of a proposal id.

    Attributes:
        time: Leaf time of the first record with this id, milliseconds since 1970.
        content_sha256: Content hash of that record, 32 bytes.
        first: Decision id that the first record was given.
        effective: Decision id that holds now; another one after an override.
        pinned: Kept beyond the horizon while an override or a review is open.
    """

    time: int
    content_sha256: bytes
    first: str
    effective: str
    pinned: bool = False

    def to_bytes(self) -> bytes:
        """Return the 73 bytes kept in the changelog."""
        first = effective = _uuid_bytes(self.first)
        if self.effective != self.first:
            effective = _uuid_bytes(self.effective)
        return _ENTRY.pack(self.time, self.content_sha256, first, effective, self.pinned)

    @classmethod
    def from_bytes(cls, data: bytes) -> Seen:
        """Read what `to_bytes` wrote."""
        time, content, first, effective, pinned = _ENTRY.unpack(data)
        return cls(
            time, content, f"d-{uuid.UUID(bytes=first)}", f"d-{uuid.UUID(bytes=effective)}", pinned
        )


def _uuid_bytes(decision_id: str) -> bytes:
    return bytes.fromhex(decision_id[2:].replace("-", ""))


def proposal_key(agent_id: str, proposal_id: str) -> bytes:
    """Return the key of a proposal in the table."""
    return f"{agent_id}\0{proposal_id}".encode()


class Horizon:
    """Proposals remembered for a time and up to a count; the bytes in the table are the truth."""

    def __init__(self, table: KeyValue, horizon_ms: int, capacity: int) -> None:
        self._table = table
        self._horizon_ms = horizon_ms
        self._capacity = capacity
        self._ages = deque(sorted((_ENTRY.unpack(value)[0], key) for key, value in table.items()))
        self._pinned: set[bytes] = set()
        self._count = len(self._ages)  # a table counts its keys slowly while a batch is open

    @property
    def count(self) -> int:
        """Ids remembered now."""
        return self._count

    @property
    def full(self) -> bool:
        """Whether no further id can be remembered."""
        return self._count >= self._capacity

    def expire(self, now_ms: int) -> None:
        """Forget unpinned ids first seen a horizon or more before `now_ms`."""
        if self._pinned:
            for key in list(self._pinned):
                self._forget(key)
        ages = self._ages
        while ages and ages[0][0] + self._horizon_ms <= now_ms:
            self._forget(ages.popleft()[1])

    def _forget(self, key: bytes) -> None:
        seen = self.find(key)
        if seen is not None and seen.pinned:
            self._pinned.add(key)
            return
        self._pinned.discard(key)
        self._table.delete(key)
        self._count -= 1

    def find(self, key: bytes) -> Seen | None:
        """Return what is remembered of an id."""
        data = self._table.get(key)
        return None if data is None else Seen.from_bytes(data)

    def remember(self, key: bytes, seen: Seen) -> None:
        """Remember a new id."""
        self._table.put(key, seen.to_bytes())
        self._ages.append((seen.time, key))
        self._count += 1
