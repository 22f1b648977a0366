"""The sealer's memory outside Kafka: what it signed last, on disk before a signature leaves.

One file per log, lines of ``size root checksum``. Only the last whole line counts: a torn one was
never followed by a signature, because `record` returns after the bytes are on disk.
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
"""A guard file beyond this is rewritten with its last line alone."""
_CHECK_DIGITS: Final = 16


class Guard:
    """The last signed checkpoint of one log, fsynced."""

    def __init__(self, directory: Path, origin: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._origin = origin
        self._path = directory / (origin.replace("/", "_") + ".guard")

    def last(self) -> Checkpoint | None:
        """Return the last checkpoint recorded, None if there is none yet.

        Raises:
            SplitViewError: The file has content and no whole line: nothing can be concluded.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        for line in reversed(data.split(b"\n")[:-1]):
            found = self._parse(line)
            if found is not None:
                return found
        if data:
            raise SplitViewError(
                f"{self._path}: damaged; restore it, or move it away once the last checkpoint that "
                "was published is known to be the last one signed"
            )
        return None

    def record(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint on disk. Blocks for one fsync; call it before signing."""
        line = self._line(checkpoint)
        if self._path.exists() and self._path.stat().st_size < MAX_FILE_BYTES:
            self._append(line)
        else:
            self._replace(line)

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
