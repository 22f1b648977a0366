"""Checkpoints: the signed statement that a log had this size and this root.

The text is exactly three lines. Extension lines are refused: the ML-DSA message does not cover
them, so whatever stood there would carry one signature instead of two.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.canonical import decode_base64, decode_number, encode_base64
from aegis_codecs.log.merkle import EMPTY_ROOT, HASH_SIZE
from aegis_codecs.log.note import is_key_name

_LINES: Final = 3


class Checkpoint(NamedTuple):
    """A tree head.

    Attributes:
        origin: Name of the log, unique for all time.
        size: Number of leaves.
        root: Root hash of the tree, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """Return the note text: origin, size and root, a line each."""
        return b"%s\n%d\n%s\n" % (self.origin.encode(), self.size, encode_base64(self.root))

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Return the checkpoint of a note text; no other text spells the same one.

        Raises:
            NotTrustedError: `malformed_checkpoint`.
        """
        lines = text.split(b"\n")
        if len(lines) != _LINES + 1 or lines[-1]:
            raise _malformed(f"{text[:80]!r} is not three lines (extension lines are refused)")
        try:
            origin, size, root = lines[0].decode(), decode_number(lines[1]), decode_base64(lines[2])
        except ValueError as error:
            raise _malformed(str(error)) from error
        if not is_key_name(origin):
            raise _malformed(f"origin {origin[:80]!r} cannot be a key name")
        if len(root) != HASH_SIZE or (size == 0 and root != EMPTY_ROOT):
            raise _malformed(f"{root.hex()} cannot be the root of a tree of {size} leaves")
        return cls(origin, size, root)


def _malformed(detail: str) -> NotTrustedError:
    return NotTrustedError(Finding.MALFORMED_CHECKPOINT, f"malformed checkpoint: {detail}")
