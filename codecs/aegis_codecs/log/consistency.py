"""Consistency proofs as files: that one checkpoint continues another (RFC 6962 section 2.1.2).

The form is that of a C2SP tlog-witness add-checkpoint request, so that a proof can be handed to a
witness as it is::

    old 12
    <base64 of a node>                     0 to 63 lines

    <the newer signed checkpoint, verbatim>

A checker brings the older checkpoint itself: it is what it believes already.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.canonical import decode_base64, decode_number, encode_base64
from aegis_codecs.log.merkle import HASH_SIZE, MAX_PATH, Path
from aegis_codecs.log.note import MAX_NOTE_BYTES

MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 8 * 1024
"""Longest proof that is parsed: the longest note, 63 lines and some room."""


class ConsistencyProof(NamedTuple):
    """A parsed proof. Nothing in it has been verified.

    Attributes:
        old_size: Leaves of the older tree.
        path: Nodes in the order of RFC 6962.
        note: The newer signed checkpoint, verbatim.
    """

    old_size: int
    path: Path
    note: bytes

    def to_bytes(self) -> bytes:
        """Return the file."""
        lines = b"".join(encode_base64(node) + b"\n" for node in self.path)
        return b"old %d\n%s\n%s" % (self.old_size, lines, self.note)


def parse_consistency(data: bytes) -> ConsistencyProof:
    """Parse a proof; no other bytes spell the same one.

    Raises:
        NotTrustedError: `malformed_receipt`.
    """
    if len(data) > MAX_PROOF_BYTES or not data.startswith(b"old "):
        raise _malformed("it does not begin with `old`, or is too long")
    head, gap, note = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    if not gap or len(lines) > MAX_PATH:
        raise _malformed("no empty line before the checkpoint, or too many nodes")
    try:
        size = decode_number(first.removeprefix(b"old "))
        path = tuple(map(decode_base64, lines))
    except ValueError as error:
        raise _malformed(str(error)) from error
    if any(len(node) != HASH_SIZE for node in path):
        raise _malformed("a node is not 32 bytes")
    return ConsistencyProof(size, path, note)


def _malformed(detail: str) -> NotTrustedError:
    return NotTrustedError(Finding.MALFORMED_RECEIPT, f"malformed consistency proof: {detail}")
