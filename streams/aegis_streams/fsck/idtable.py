"""A table of proposal ids: entries on disk, 12 bytes in memory for each place of its index.

Entries are appended to a temporary file without a name, in the order of time; the newest wait in a
buffer. The index (open addressing, linear probing) holds 8 bytes of the key and the number of the
entry. What is too old is forgotten when the index fills up: it is the beginning of the file.
"""

from __future__ import annotations

import os
import struct
import tempfile
from array import array
from pathlib import Path
from typing import Final, NamedTuple

_ENTRY: Final = struct.Struct(">16sq16s16s16s")
_SIZE: Final = _ENTRY.size
_FULL: Final = 0.6
_BUFFER: Final = 1 << 16
_BLOCK: Final = _SIZE * 4_096
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
    """

    def __init__(self, directory: str | None = None) -> None:
        self._directory = directory
        self._fd = self._new_file()
        self._buffer = bytearray()
        self._written = self._used = 0
        self._slots = SMALLEST
        self._keys, self._numbers = _index(SMALLEST)

    def find(self, key: bytes) -> Entry | None:
        """Return the newest entry of a key, however old it is."""
        number = self._numbers[self._place(key)]
        return None if not number else Entry(*_ENTRY.unpack(self._entry(number))[1:])

    def put(self, key: bytes, entry: Entry) -> None:
        """Set the entry of a key that has none, or only one that is too old."""
        place = self._place(key)
        if not self._numbers[place]:
            self._used += 1
        self._buffer += _ENTRY.pack(key, *entry)
        if len(self._buffer) >= _BUFFER:
            self._flush()
        self._keys[place] = int.from_bytes(key[:8], "big") or 1
        self._numbers[place] = self._written + len(self._buffer) // _SIZE

    def replace(self, key: bytes, entry: Entry) -> None:
        """Change the entry of a key that has one."""
        number = self._numbers[self._place(key)]
        if number:
            self._flush()
            os.pwrite(self._fd, _ENTRY.pack(key, *entry), (number - 1) * _SIZE)

    def make_room(self, live: int) -> None:
        """Forget all but the newest `live` entries, if the index is nearly full."""
        if self._used <= self._slots * _FULL:
            return
        self._flush()
        first = max(0, self._written - live)
        pairs = [
            (key, number - first)
            for key, number in zip(self._keys, self._numbers, strict=True)
            if number > first
        ]
        self._copy_from(first)
        self._slots = max(SMALLEST, 1 << (3 * live).bit_length())
        self._keys, self._numbers = _index(self._slots)
        mask = self._slots - 1
        for key, number in pairs:
            place = key & mask
            while self._numbers[place]:
                place = (place + 1) & mask
            self._keys[place], self._numbers[place] = key, number
        self._used = len(pairs)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)

    def _place(self, key: bytes) -> int:
        """Return the place of a key in the index, or the free one where it would go."""
        part, mask = int.from_bytes(key[:8], "big") or 1, self._slots - 1
        place, keys = part & mask, self._keys
        while keys[place]:
            if keys[place] == part and self._entry(self._numbers[place]).startswith(key):
                return place
            place = (place + 1) & mask
        return place

    def _entry(self, number: int) -> bytes:
        at = number - 1 - self._written
        if at >= 0:
            return bytes(self._buffer[at * _SIZE : (at + 1) * _SIZE])
        return os.pread(self._fd, _SIZE, (number - 1) * _SIZE)

    def _flush(self) -> None:
        os.pwrite(self._fd, self._buffer, self._written * _SIZE)
        self._written += len(self._buffer) // _SIZE
        self._buffer.clear()

    def _copy_from(self, first: int) -> None:
        """Start a file anew with the entries from one on."""
        old, self._fd = self._fd, self._new_file()
        at = first * _SIZE
        while block := os.pread(old, _BLOCK, at):
            os.pwrite(self._fd, block, at - first * _SIZE)
            at += len(block)
        os.close(old)
        self._written -= first

    def _new_file(self) -> int:
        descriptor, path = tempfile.mkstemp(dir=self._directory)
        Path(path).unlink()  # the file lives as long as it is open
        return descriptor


def _index(slots: int) -> tuple[array[int], array[int]]:
    """Return the two empty columns of an index: parts of keys, and numbers of entries from 1."""
    return array("Q", bytes(8 * slots)), array("I", bytes(4 * slots))
