"""A table of proposal ids on disk: flat memory, whatever the horizon holds.

Open addressing with linear probing over a temporary file without a name. A slot is the first 16
bytes of a SHA-256 (the key), a time, and three values of 16 bytes. Nothing is ever deleted: an
entry counts until its time, and the table is rewritten without dead ones when it fills up.
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SLOT: Final = struct.Struct(">16sQ16s16s16s")
_SIZE: Final = _SLOT.size
_FREE: Final = bytes(16)
_FULL: Final = 0.6
_BLOCK: Final = 4096
SMALLEST: Final = 1 << 12


class Entry(NamedTuple):
    """What is known of an id: when it was first seen, its content, first and effective decision."""

    time: int
    content: bytes
    first: bytes
    effective: bytes


class IdTable:
    """Maps keys of 16 bytes to entries.

    Args:
        directory: Where the temporary file goes; None means the system's place.
        slots: Slots to begin with, a power of two.
    """

    def __init__(self, directory: str | None = None, slots: int = SMALLEST) -> None:
        self._directory = directory
        self._open(slots)

    def find(self, key: bytes) -> Entry | None:
        """Return the entry of a key, however old it is."""
        slot = os.pread(self._fd, _SIZE, self._place(key) * _SIZE)
        return Entry(*_SLOT.unpack(slot)[1:]) if slot.startswith(key) else None

    def put(self, key: bytes, entry: Entry) -> None:
        """Set the entry of a key."""
        place = self._place(key)
        slot = os.pread(self._fd, _SIZE, place * _SIZE)
        if not slot.startswith(key):
            self._used += 1
        os.pwrite(self._fd, _SLOT.pack(key, *entry), place * _SIZE)

    def make_room(self, alive: Callable[[int], bool]) -> None:
        """Rewrite the table, if it is nearly full, without entries whose time `alive` refuses."""
        if self._used <= self._slots * _FULL:
            return
        kept, old = self._kept(alive), self._fd
        live = sum(1 for _ in self._kept(alive))
        self._open(max(SMALLEST, 1 << (4 * live).bit_length()))
        for key, time, content, first, effective in kept:
            self.put(key, Entry(time, content, first, effective))
        os.close(old)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)

    def _open(self, slots: int) -> None:
        self._fd, path = tempfile.mkstemp(dir=self._directory)
        Path(path).unlink()  # the file lives as long as it is open
        os.truncate(self._fd, slots * _SIZE)
        self._slots, self._used = slots, 0

    def _place(self, key: bytes) -> int:
        """Return the number of the key's slot, or of the free one where it would go."""
        place = int.from_bytes(key[:8], "big") & (self._slots - 1)
        while True:
            found = os.pread(self._fd, 16, place * _SIZE)
            if found in (key, _FREE):
                return place
            place = (place + 1) & (self._slots - 1)

    def _kept(
        self, alive: Callable[[int], bool]
    ) -> Iterator[tuple[bytes, int, bytes, bytes, bytes]]:
        descriptor, slots = self._fd, self._slots
        for start in range(0, slots, _BLOCK):
            block = os.pread(descriptor, _BLOCK * _SIZE, start * _SIZE)
            for slot in _SLOT.iter_unpack(block):
                if slot[0] != _FREE and alive(slot[1]):
                    yield slot
