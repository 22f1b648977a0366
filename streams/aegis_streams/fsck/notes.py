"""C2SP signed notes, checkpoints and tlog-proofs, read strictly by the judge itself."""

from __future__ import annotations

from typing import Final, NamedTuple

from aegis_streams.fsck.errors import DistrustError
from aegis_streams.fsck.merkle import HASH, NOTHING
from aegis_streams.fsck.text import from_base64, from_decimal

PROOF_HEADER: Final = b"c2sp.org/tlog-proof@v1\n"
MOST_LINES: Final = 64
MOST_NODES: Final = 63
MOST_BYTES: Final = 1 << 19
"""Longest note or proof that is read."""
_DASH: Final = "— "
_ID: Final = 4


class Line(NamedTuple):
    """A signature line: key name, key id (4 bytes), and what the algorithm put there."""

    name: str
    key_id: bytes
    payload: bytes


class Head(NamedTuple):
    """A tree head as a note states it. Nothing is verified yet.

    Attributes:
        origin: The log.
        size: Its leaves.
        root: Its root.
        text: The signed bytes.
        lines: The signature lines.
    """

    origin: str
    size: int
    root: bytes
    text: bytes
    lines: tuple[Line, ...]


class Proof(NamedTuple):
    """A tlog-proof: position of a leaf, its path, the note, and what stands in `extra`."""

    position: int
    path: list[bytes]
    note: bytes
    extra: bytes | None


def read_note(note: bytes) -> Head:
    """Read a signed checkpoint.

    Raises:
        DistrustError: `checkpoint_malformed`.
    """
    try:
        return _read_note(note)
    except (ValueError, UnicodeError) as error:
        raise DistrustError("checkpoint_malformed", f"no C2SP checkpoint: {error}") from error


def read_proof(data: bytes) -> Proof:
    """Read a tlog-proof.

    Raises:
        DistrustError: `receipt_malformed`.
    """
    try:
        return _read_proof(data)
    except (ValueError, UnicodeError) as error:
        raise DistrustError("receipt_malformed", f"no C2SP tlog-proof: {error}") from error


def _read_note(note: bytes) -> Head:
    if len(note) > MOST_BYTES:
        raise ValueError(f"{len(note)} bytes are too many")
    whole = note.decode("utf-8")
    if any(ord(letter) < ord(" ") and letter != "\n" for letter in whole):
        raise ValueError("control characters")
    text, gap, signed = whole.rpartition("\n\n")
    if not gap or not signed.endswith("\n"):
        raise ValueError("no empty line before the signatures, or no line end after them")
    parts = text.split("\n")
    if len(parts) != len(("origin", "size", "root")):
        raise ValueError(f"{len(parts)} lines instead of origin, size and root")
    size, root = from_decimal(parts[1]), from_base64(parts[2])
    if not parts[0] or len(root) != HASH or (size == 0 and root != NOTHING):
        raise ValueError("no origin, or a root that no tree of this size has")
    lines = signed[:-1].split("\n")
    if len(lines) > MOST_LINES:
        raise ValueError(f"{len(lines)} signature lines are too many")
    return Head(parts[0], size, root, f"{text}\n".encode(), tuple(map(_read_line, lines)))


def _read_line(line: str) -> Line:
    if not line.startswith(_DASH):
        raise ValueError(f"{line[:40]!r} is no signature line")
    name, _, value = line[len(_DASH) :].partition(" ")
    data = from_base64(value)
    if not name or len(data) <= _ID:
        raise ValueError(f"{line[:40]!r} is no signature line")
    return Line(name, data[:_ID], data[_ID:])


def _read_proof(data: bytes) -> Proof:
    if len(data) > MOST_BYTES or not data.startswith(PROOF_HEADER):
        raise ValueError("it does not begin as one, or is too long")
    head, gap, note = data[len(PROOF_HEADER) :].partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    extra = None
    if lines[0].startswith("extra "):
        extra = from_base64(lines.pop(0).removeprefix("extra "))
    if not gap or not lines or not lines[0].startswith("index "):
        raise ValueError("no index line, or no empty line before the checkpoint")
    path = [from_base64(line) for line in lines[1:]]
    if len(path) > MOST_NODES or any(len(node) != HASH for node in path):
        raise ValueError("a path of too many nodes, or of nodes that are no hashes")
    return Proof(from_decimal(lines[0].removeprefix("index ")), path, note, extra)
