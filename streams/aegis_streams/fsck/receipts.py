"""Receipts of released decisions: each proves its leaf in a tree that carries all signatures.

Receipts of one batch share their note and the upper part of their paths. A node that was once shown
to lead to the root, with the same rest of the path, need not be followed again; so a receipt costs
about two hashes instead of one per level.
"""

from __future__ import annotations

from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aegis_streams.fsck.errors import DistrustError
from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.merkle import HASH, root_of_proof
from aegis_streams.fsck.notes import PROOF_HEADER, read_proof

if TYPE_CHECKING:
    from aegis_streams.fsck.notes import Head
    from aegis_streams.fsck.trust import Signatures

_LINE: Final = 45
"""Bytes of a path line: 32 bytes in base64, and the line end."""
_INDEX: Final = PROOF_HEADER + b"index %d\n"


class Receipts:
    """Checks receipts of one log.

    Args:
        log: The log.
        signatures: Checks their notes.

    Attributes:
        head: The tree head of the receipt checked last.
    """

    def __init__(self, log: str, signatures: Signatures) -> None:
        self._log = log
        self._signatures = signatures
        self._note = b""
        self._proven: dict[bytes, tuple[int, bytes]] = {}
        self.head: Head | None = None

    def check(self, receipt: bytes, sequence: int, leaf: bytes) -> Head:
        """Return the tree head by which a receipt proves a leaf.

        Args:
            receipt: A tlog-proof.
            sequence: Position of the leaf.
            leaf: Its hash.

        Raises:
            DistrustError: It is malformed, not signed as it must be, or proves something else.
        """
        start = _INDEX % sequence
        end = receipt.find(b"\n\n", len(start) - 1)
        if end < 0 or not receipt.startswith(start):
            return self._check_slowly(receipt, sequence, leaf)
        note = receipt[end + 2 :]
        head = self._head_of(note)
        if not self._leads(leaf, sequence, head, receipt[len(start) : end + 1]):
            return self._check_slowly(receipt, sequence, leaf)
        return head

    def _head_of(self, note: bytes) -> Head:
        if self.head is not None and note == self._note:
            return self.head
        head = self._signatures.check(note)
        if head.origin != self._log:
            raise DistrustError(Code.RECEIPT_WRONG, f"its checkpoint is of the log {head.origin}")
        self.head, self._note = head, note
        self._proven.clear()
        return head

    def _leads(self, node: bytes, index: int, head: Head, path: bytes) -> bool:
        """Follow path lines from a leaf up to the root, or to a node known to lead there."""
        last, at = head.size - 1, 0
        if index > last:
            return False
        trail: dict[bytes, tuple[int, bytes]] = {}
        while last:
            if index & 1 or index < last:
                line = path[at : at + _LINE]
                at += _LINE
                sibling = _node(line)
                if sibling is None:
                    return False
                pair = sibling + node if index & 1 else node + sibling
                node = sha256(b"\1" + pair).digest()
            index, last = index >> 1, last >> 1
            step = index, path[at:]
            if self._proven.get(node) == step:
                self._proven.update(trail)
                return True
            trail[node] = step
        if node != head.root or at != len(path):
            return False
        self._proven.update(trail)
        return True

    def _check_slowly(self, receipt: bytes, sequence: int, leaf: bytes) -> Head:
        """Check without short cuts; says what is wrong."""
        proof = read_proof(receipt)
        head = self._head_of(proof.note)
        if proof.position != sequence:
            raise DistrustError(
                Code.RECEIPT_WRONG, f"it is about leaf {proof.position}, the decision is {sequence}"
            )
        if root_of_proof(leaf, sequence, head.size, proof.path) != head.root:
            raise DistrustError(
                Code.RECEIPT_WRONG,
                f"its path does not lead from leaf {sequence} to the signed root of {head.size} "
                "leaves",
            )
        return head


def _node(line: bytes) -> bytes | None:
    """Return the hash in a path line; None unless it is in its one spelling."""
    try:
        node = a2b_base64(line)
    except BinasciiError:
        return None
    return node if len(node) == HASH and b2a_base64(node) == line else None
