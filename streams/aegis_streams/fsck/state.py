"""Verified positions, kept in a file so that the next run goes on from them.

A position is taken at a signed size only. It holds what is needed to go on: the compact tree, the
entry hash, the next offsets, and from where the ids of the horizon are read again. The file carries
a hash of its content, so that an edit is noticed; the position itself is checked against the log
before it is used. Whoever can write the file and the topics can still lie to the next run: keep it
where the log's operators cannot write, or leave it out.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aegis_streams.fsck.errors import CannotCheckError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = "aegis-fsck-state/v2"


@dataclass(frozen=True)
class Position:
    """How far a log was verified, without any finding.

    Attributes:
        log: The log.
        trust: SHA-256 of the trust file, hexadecimal; with another one everything is read again.
        size: Leaves verified.
        entry_hash: Entry hash of the last of them, hexadecimal.
        peaks: Roots of its perfect subtrees, hexadecimal.
        time: Leaf time of the last.
        audit: Next offset of the audit topic.
        inputs: Next offset of each input topic.
        cause: The last cause, as `Cause.as_plain` has it.
        decisions: Offset of the next decision to be claimed.
        letters: The same of dead letters.
        checkpoints: Offset of the first checkpoint of a larger tree.
        database: The database was compared as well: it held every row and kept checkpoint so far.
        parameters: Horizon in milliseconds, and how many ids it holds.
        window: Sequence, audit offset and link (hexadecimal) of a leaf not younger than the
            horizon: ids are read again from there.
    """

    log: str
    trust: str
    size: int
    entry_hash: str
    peaks: tuple[str, ...]
    time: int
    audit: int
    inputs: Mapping[str, int]
    cause: tuple[str | int | None, ...]
    decisions: int
    letters: int
    checkpoints: int
    database: bool
    parameters: tuple[int, int]
    window: tuple[int, int, str]


@dataclass
class StateFile:
    """The file of verified positions.

    Attributes:
        path: Where it is.
        positions: One per log.
    """

    path: Path
    positions: dict[str, Position] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> StateFile:
        """Read a file; one that does not exist yet has no positions.

        Raises:
            CannotCheckError: It was edited, cut or is of another format.
        """
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            raise CannotCheckError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            return cls(path, {each["log"]: _position(each) for each in _content(data)})
        except (ValueError, TypeError, KeyError) as error:
            raise CannotCheckError(
                f"{path}: it was edited, or is no state of this version ({error}); remove it to "
                "check everything from the beginning"
            ) from error

    def save(self) -> None:
        """Write the file whole and fsynced, or leave the former one.

        Raises:
            CannotCheckError: It cannot be written.
        """
        positions = [asdict(self.positions[log]) for log in sorted(self.positions)]
        content = {"format": FORMAT, "sha256": _digest(positions), "positions": positions}
        part = self.path.with_name(f".{self.path.name}.part")
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError as error:
            raise CannotCheckError(f"{self.path}: cannot be written: {error.strerror}") from error


def _content(data: bytes) -> list[dict[str, Any]]:
    found = json.loads(data)
    positions: list[dict[str, Any]] = found["positions"]
    if found["format"] != FORMAT or found["sha256"] != _digest(positions):
        raise ValueError("its hash is not that of its content")
    return positions


def _digest(positions: object) -> str:
    text = json.dumps(positions, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _position(found: dict[str, Any]) -> Position:
    for name in ("peaks", "cause", "parameters", "window"):
        found[name] = tuple(found[name])
    return Position(**found)
