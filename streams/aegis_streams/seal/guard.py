"""The sealer's memory outside Kafka: what it signed last, on disk before a signature leaves.

One file per log with slots of one disk sector, each a line of ``size root checksum``. The line with
the largest size counts. A torn line was never followed by a signature, because `record` returns
after the bytes are on disk.

The file has its size from the start and slots are written over, so that recording flushes one
sector and not the file system's journal, which would wait for whatever else is being written on
the machine. Slots are in shares: a process goes round in the share after the one where it found the
largest size. So a process that was frozen and replaced, and thaws, writes over nothing that counts.
"""

from __future__ import annotations

import os
from hashlib import sha256
from itertools import cycle
from typing import TYPE_CHECKING, Final

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_streams.errors import SplitViewError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SLOT_BYTES: Final = 512
SHARE_SLOTS: Final = 16
SHARES: Final = 4
FILE_BYTES: Final = SLOT_BYTES * SHARE_SLOTS * SHARES
_CHECK_DIGITS: Final = 16


class Guard:
    """The largest signed checkpoint of one log, fsynced."""

    def __init__(self, directory: Path, origin: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._origin = origin
        self._path = directory / (origin.replace("/", "_") + ".guard")
        self._slots: Iterator[int] | None = None

    def last(self) -> Checkpoint | None:
        """Return the largest checkpoint recorded, None if there is none yet.

        Raises:
            SplitViewError: The file has no whole line, or two roots for its largest size.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        parsed = (self._parse(line) for line in data.split(b"\n") if line)
        found = {checkpoint for checkpoint in parsed if checkpoint is not None}
        if not found:
            raise SplitViewError(
                f"{self._path}: damaged; restore it, or move it away once the last checkpoint that "
                "was published is known to be the last one signed"
            )
        largest = max(checkpoint.size for checkpoint in found)
        heads = [checkpoint for checkpoint in found if checkpoint.size == largest]
        if len(heads) > 1:
            raise SplitViewError(
                f"{self._path}: two roots were recorded for size {largest}; one of the two "
                "histories is false"
            )
        return heads[0]

    def record(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint on disk. Blocks until it is there; call it before signing.

        Raises:
            SplitViewError: As of `last`, at the first call.
        """
        if not self._is_laid_out():
            last = self.last()
            kept = [last] if last is not None and last.size > checkpoint.size else []
            self._lay_out([*kept, checkpoint])
            return
        if self._slots is None:
            self._slots = cycle(self._free_share())
        self._write(next(self._slots), self._line(checkpoint))

    def _is_laid_out(self) -> bool:
        try:
            return self._path.stat().st_size == FILE_BYTES
        except FileNotFoundError:
            return False

    def _free_share(self) -> range:
        """The slots of the share after the one that holds the largest size."""
        data, last = self._path.read_bytes(), self.last()
        at = 0 if last is None else data.index(self._line(last)) // SLOT_BYTES
        share = (at // SHARE_SLOTS + 1) % SHARES
        return range(share * SHARE_SLOTS, (share + 1) * SHARE_SLOTS)

    def _write(self, slot: int, line: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, line.ljust(SLOT_BYTES, b"\n"), slot * SLOT_BYTES)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _lay_out(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Make the file, whole and with these checkpoints in it, in the place of what is there."""
        slots = [self._line(each).ljust(SLOT_BYTES, b"\n") for each in checkpoints]
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, b"".join(slots).ljust(FILE_BYTES, b"\n"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _line(self, checkpoint: Checkpoint) -> bytes:
        text = f"{checkpoint.size} {checkpoint.root.hex()}"
        return f"{text} {self._check(text)}\n".encode()

    def _check(self, text: str) -> str:
        return sha256(f"{self._origin} {text}".encode()).hexdigest()[:_CHECK_DIGITS]

    def _parse(self, line: bytes) -> Checkpoint | None:
        text, _, check = line.decode("ascii", "replace").rpartition(" ")
        if not text or check != self._check(text):
            return None
        size, root = text.split(" ")
        return Checkpoint(self._origin, int(size), bytes.fromhex(root))
