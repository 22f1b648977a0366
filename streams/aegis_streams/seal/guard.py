"""The sealer's memory outside Kafka: what it signed last, on disk before a signature leaves.

One file per log, lines of ``size root checksum``. The line with the largest size counts: a process
that was frozen and replaced may add a smaller one when it thaws. A torn line was never followed by
a signature, because `record` returns after the bytes are on disk.
"""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_streams.errors import SplitViewError

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES: Final = 256 * 1024
"""A guard file beyond this is rewritten with its largest line alone."""
_CHECK_DIGITS: Final = 16


class Guard:
    """The largest signed checkpoint of one log, fsynced."""

    def __init__(self, directory: Path, origin: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._origin = origin
        self._path = directory / (origin.replace("/", "_") + ".guard")

    def last(self) -> Checkpoint | None:
        """Return the largest checkpoint recorded, None if there is none yet.

        Raises:
            SplitViewError: The file has no whole line, or two roots for its largest size.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        parsed = (self._parse(line) for line in data.split(b"\n")[:-1])
        found = {checkpoint for checkpoint in parsed if checkpoint is not None}
        if data and not found:
            raise SplitViewError(
                f"{self._path}: damaged; restore it, or move it away once the last checkpoint that "
                "was published is known to be the last one signed"
            )
        largest = max((checkpoint.size for checkpoint in found), default=0)
        heads = [checkpoint for checkpoint in found if checkpoint.size == largest]
        if len(heads) > 1:
            raise SplitViewError(
                f"{self._path}: two roots were recorded for size {largest}; one of the two "
                "histories is false"
            )
        return heads[0] if heads else None

    def record(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint on disk. Blocks for one fsync; call it before signing."""
        if self._path.exists() and self._path.stat().st_size < MAX_FILE_BYTES:
            self._append(self._line(checkpoint))
        else:
            last = self.last()
            larger = last is not None and last.size > checkpoint.size
            kept = self._line(last) if last is not None and larger else b""
            self._replace(kept + self._line(checkpoint))

    def _append(self, line: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, b"\n" + line if self._is_torn() else line)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _is_torn(self) -> bool:
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def _replace(self, line: bytes) -> None:
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, line)
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
