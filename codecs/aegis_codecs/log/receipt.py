"""Receipts: C2SP tlog-proof, the proof that a leaf is in a signed tree.

The leaf itself is not part of the format. In a file the optional ``extra`` carries the leaf body;
on a topic the body stands beside the receipt. Either way the body becomes trusted only through
its hash (`aegis_codecs.verifier`).
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.canonical import decode_base64, decode_number, encode_base64
from aegis_codecs.log.merkle import HASH_SIZE, MAX_PATH, Path
from aegis_codecs.log.note import MAX_NOTE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER: Final = b"c2sp.org/tlog-proof@v1\n"

MAX_BODY_BYTES: Final = 65_535
"""Longest leaf body: tiles give an entry's length two bytes."""

_LINE: Final = len(b2a_base64(bytes(HASH_SIZE)))
"""Bytes of a path line with its line end."""

MAX_RECEIPT_BYTES: Final = 100_000 + MAX_PATH * _LINE + MAX_NOTE_BYTES
"""Longest receipt that is parsed: the longest body in base64, path and note, and some room."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A parsed receipt. Nothing in it has been verified.

    Attributes:
        index: Position of the leaf in its log, from 0.
        path: Inclusion path, from the leaf's sibling upwards.
        note: The signed checkpoint, verbatim.
        extra: What was put beside the proof, unauthenticated; None without such a line.
    """

    index: int
    path: Path
    note: bytes
    extra: bytes | None = None


class _Lines(dict[bytes, bytes]):
    """Node hash -> its line, spelled once for all paths that share the node."""

    def __missing__(self, node: bytes) -> bytes:
        line = self[node] = b2a_base64(node)
        return line


def render(index: int, path: Path, note: bytes, extra: bytes | None = None) -> bytes:
    """Return the tlog-proof of one leaf; see `Receipt` for the arguments."""
    head = HEADER if extra is None else b"%sextra %s\n" % (HEADER, encode_base64(extra))
    return b"".join((head, b"index %d\n" % index, *map(b2a_base64, path), b"\n", note))


def render_receipts(first_index: int, paths: Iterable[Path], note: bytes) -> list[bytes]:
    """Return the receipts, without `extra`, of consecutive leaves under one checkpoint.

    Args:
        first_index: Position of the first leaf.
        paths: The leaves' inclusion paths in order, as `merkle.extend` returns them.
        note: The signed checkpoint of the grown tree.
    """
    line = _Lines().__getitem__
    tail = b"\n" + note
    return [
        b"%sindex %d\n%s%s" % (HEADER, index, b"".join(map(line, path)), tail)
        for index, path in enumerate(paths, first_index)
    ]


def parse_receipt(data: bytes) -> Receipt:
    """Split a receipt into its parts; every part has exactly one accepted spelling.

    Raises:
        NotTrustedError: `malformed_receipt` or `body_too_large`.
    """
    if len(data) > MAX_RECEIPT_BYTES:
        raise _malformed(f"{len(data)} bytes are more than {MAX_RECEIPT_BYTES}")
    if not data.startswith(HEADER):
        raise _malformed(f"it does not begin with {HEADER.decode().strip()}")
    extra, start = _parse_extra(data)
    end = data.find(b"\n", start)
    if end < 0 or data[start : start + 6] != b"index ":
        raise _malformed("the index line is missing")
    try:
        index = decode_number(data[start + 6 : end])
    except ValueError as error:
        raise _malformed(f"index: {error}") from error
    start = end + 1
    end = data.find(b"\n\n", end)  # from the index line's own end on, for a path may be empty
    if end < 0:
        raise _malformed("no empty line stands between path and checkpoint")
    return Receipt(index, _parse_path(data[start : end + 1]), data[end + 2 :], extra)


def _parse_extra(data: bytes) -> tuple[bytes | None, int]:
    """Return the extra data and the position after their line."""
    start = len(HEADER)
    if data[start : start + 6] != b"extra ":
        return None, start
    end = data.find(b"\n", start)
    if end < 0:
        raise _malformed("the extra line does not end")
    try:
        extra = decode_base64(data[start + 6 : end])
    except ValueError as error:
        raise _malformed(f"extra: {error}") from error
    if len(extra) > MAX_BODY_BYTES:
        raise NotTrustedError(
            Finding.BODY_TOO_LARGE, f"a body of {len(extra)} bytes is above {MAX_BODY_BYTES}"
        )
    return extra, end + 1


def _parse_path(lines: bytes) -> Path:
    """Return the nodes of complete path lines; writing them again must give the same bytes."""
    if len(lines) > MAX_PATH * _LINE:
        raise _malformed(f"the path is longer than {MAX_PATH} nodes")
    try:
        path = tuple(map(a2b_base64, lines.split(b"\n")[:-1]))
    except BinasciiError as error:
        raise _malformed(f"path: not base64 ({error})") from error
    if b"".join(map(b2a_base64, path)) != lines or not {HASH_SIZE}.issuperset(map(len, path)):
        raise _malformed("path: not lines of 32 bytes in canonical base64")
    return path


def _malformed(detail: str) -> NotTrustedError:
    return NotTrustedError(Finding.MALFORMED_RECEIPT, f"malformed receipt: {detail}")
