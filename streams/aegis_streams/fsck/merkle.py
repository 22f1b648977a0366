"""An RFC 6962 tree of the judge's own, kept as a list of perfect subtrees.

`Tree` grows by one leaf hash at a time and knows the root at every size it passes. Section 2.1 of
the RFC defines the tree; the checks of proofs follow RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH: Final = 32
NOTHING: Final = sha256(b"").digest()
"""Root of the tree without leaves."""


def hash_leaf(body: bytes) -> bytes:
    """Return SHA-256(00 ‖ body)."""
    return sha256(b"\0" + body).digest()


def hash_pair(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(01 ‖ left ‖ right)."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """A growing tree.

    Args:
        size: Leaves it has already.
        peaks: Roots of its perfect subtrees, the largest first; one per bit set in `size`.

    Raises:
        ValueError: The peaks do not fit the size.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count() or any(len(peak) != HASH for peak in self.peaks):
            raise ValueError(f"{len(self.peaks)} subtrees cannot make up a tree of {size} leaves")

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        size = self.size
        self.size = size + 1
        peaks = self.peaks
        while size & 1:
            leaf = sha256(b"\1" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)

    def root(self) -> bytes:
        """Return the root at the present size."""
        if not self.peaks:
            return NOTHING
        *before, root = self.peaks
        for peak in reversed(before):
            root = hash_pair(peak, root)
        return root


def proof_length(index: int, size: int) -> int:
    """Return how many nodes prove leaf `index` in a tree of `size` leaves (index below size)."""
    length, last = 0, size - 1
    while last:
        length += index & 1 or index < last
        index, last = index >> 1, last >> 1
    return length


def root_of_proof(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root to which an inclusion proof leads; None if it has the wrong length."""
    if not 0 <= index < size or len(path) != proof_length(index, size):
        return None
    nodes, last = iter(path), size - 1
    while last:
        if index & 1:
            leaf = hash_pair(next(nodes), leaf)
        elif index < last:
            leaf = hash_pair(leaf, next(nodes))
        index, last = index >> 1, last >> 1
    return leaf


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Tell whether `proof` shows that the tree `new` continues the tree `old`.

    Args:
        old: Size and root of the earlier tree.
        new: Size and root of the later one.
        proof: Nodes as RFC 6962 section 2.1.2 orders them.
    """
    (first, first_root), (second, second_root) = old, new
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == NOTHING
    nodes = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    return bool(nodes) and _leads_to_both(first - 1, second - 1, nodes) == (
        first_root,
        second_root,
    )


def _leads_to_both(index: int, last: int, nodes: list[bytes]) -> tuple[bytes, bytes] | None:
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return None
        if index & 1 or index == last:
            old, new = hash_pair(node, old), hash_pair(node, new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new = hash_pair(new, node)
        index, last = index >> 1, last >> 1
    return (old, new) if last == 0 else None
