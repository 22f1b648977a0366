"""RFC 6962 Merkle tree: growing it by batches, proving and verifying.

Hashing is RFC 6962 section 2.1; verification follows the rules of RFC 9162 section 2.1.3.2 and
2.1.4.2. A tree is never held as a whole: `CompactRange` keeps the O(log n) roots of its perfect
subtrees, which is all that appending needs. The level of a node is its height above the leaves;
an odd last node of a level moves up unchanged, which is the same tree as RFC 6962's recursive
split at the largest power of two.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.canonical import MAX_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HASH_SIZE: Final = 32
"""Bytes of a node, SHA-256."""

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree without leaves."""

MAX_PATH: Final = 63
"""Longest possible inclusion path: a tree has at most 2^63 - 1 leaves."""

_PORTION: Final = 4_096
"""Leaf hashes held at a time while a path is made."""

Path: TypeAlias = tuple[bytes, ...]
"""Node hashes of a proof, from the leaf's side upwards."""


def leaf_hash(body: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ body), the hash of a leaf."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right), the hash of an interior node."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange(NamedTuple):
    """A tree, reduced to what is needed to append to it and to know its root.

    Attributes:
        size: Number of leaves.
        hashes: Roots of the perfect subtrees that make up the tree, largest (leftmost) first;
            one per bit set in `size`.
    """

    size: int = 0
    hashes: Path = ()

    def root(self) -> bytes:
        """Return the tree's root hash."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            root = node_hash(left, root)
        return root

    def append(self, leaf: bytes) -> CompactRange:
        """Return the tree with one more leaf hash."""
        hashes = list(self.hashes)
        size = self.size
        while size & 1:
            leaf = node_hash(hashes.pop(), leaf)
            size >>= 1
        return CompactRange(self.size + 1, (*hashes, leaf))

    def grow(self, leaf_hashes: Sequence[bytes]) -> CompactRange:
        """Return the tree with more leaf hashes; `extend` also returns their paths."""
        return _grow(self, leaf_hashes)[0] if leaf_hashes else self

    def to_bytes(self) -> bytes:
        """Return size (u64, big-endian) ‖ hashes (32 bytes each)."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> CompactRange:
        """Return the tree that `to_bytes` wrote.

        Raises:
            ValueError: The length does not fit the size.
        """
        size = int.from_bytes(data[:8], "big")
        if len(data) != 8 + HASH_SIZE * size.bit_count() or size > MAX_NUMBER:
            raise ValueError(f"{len(data)} bytes are no compact range of {size} leaves")
        return cls(size, tuple(data[i : i + HASH_SIZE] for i in range(8, len(data), HASH_SIZE)))


EMPTY_RANGE: Final = CompactRange()
"""The tree without leaves."""


def extend(tree: CompactRange, leaf_hashes: Sequence[bytes]) -> tuple[CompactRange, list[Path]]:
    """Append a batch of leaf hashes to `tree`.

    Returns:
        The grown tree, and for each new leaf in order its inclusion path against the grown tree.
        About one hash per leaf; the paths share their nodes.
    """
    if not leaf_hashes:
        return tree, []
    grown, levels = _grow(tree, leaf_hashes)
    paths: list[Path] = [()]
    for level in reversed(levels):
        paths = _paths_below(level, paths)
    return grown, paths[len(paths) - len(leaf_hashes) :]


def _grow(
    tree: CompactRange, leaf_hashes: Sequence[bytes]
) -> tuple[CompactRange, list[list[bytes]]]:
    """Return the grown tree and, per level below its root, the nodes that a new path may touch.

    Each returned level starts at an even position of the whole tree's level.
    """
    size = tree.size + len(leaf_hashes)
    old = list(tree.hashes)
    first = tree.size  # position of nodes[0] within the whole tree's level
    nodes = list(leaf_hashes)
    levels: list[list[bytes]] = []
    perfect: list[bytes] = []
    for height in range(size.bit_length()):
        if first & 1:
            nodes.insert(0, old.pop())
            first -= 1
        if size >> height & 1:
            perfect.append(nodes[(size >> height) - 1 - first])
        levels.append(nodes)
        odd = nodes[-1:] if len(nodes) & 1 else []
        nodes = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(nodes[::2], nodes[1::2], strict=False)
        ]
        nodes += odd
        first >>= 1
    return CompactRange(size, tuple(reversed(perfect))), levels


def _paths_below(level: list[bytes], above: list[Path]) -> list[Path]:
    """Return the path of each node of `level`, given those of the level above."""
    paths: list[Path] = []
    above = above[len(above) - (len(level) + 1) // 2 :]  # without an old node that stands before
    for left, right, path in zip(level[::2], level[1::2], above, strict=False):
        paths += ((right, *path), (left, *path))
    if len(level) & 1:
        paths.append(above[-1])
    return paths


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree with exactly these leaf hashes."""
    return EMPTY_RANGE.grow(leaf_hashes).root()


class _Span(NamedTuple):
    """A subtree: the leaves from `start` up to, not including, `end`."""

    start: int
    end: int


def _split(span: _Span) -> tuple[_Span, _Span]:
    """Split at the largest power of two below the number of leaves (at least two)."""
    middle = span.start + (1 << (span.end - span.start - 1).bit_length() - 1)
    return _Span(span.start, middle), _Span(middle, span.end)


def inclusion_path(leaf_hashes: Iterable[bytes], index: int, size: int) -> Path:
    """Return the inclusion path of one leaf in the tree of the first `size` leaf hashes.

    They are gone through once, and none is kept: memory grows with the logarithm of `size`. For
    leaves of the newest batch `extend` has the paths already; this is for older ones.

    Raises:
        IndexError: `index` is not below `size`, or there are fewer leaf hashes.
    """
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} of a tree with {size} leaves")
    here = _Span(0, size)
    siblings: list[_Span] = []
    while here.end - here.start > 1:
        left, right = _split(here)
        here, sibling = (left, right) if index < left.end else (right, left)
        siblings.append(sibling)
    rest = iter(leaf_hashes)
    roots = {span: _next_root(rest, span) for span in sorted([here, *siblings])}
    return tuple(roots[span] for span in reversed(siblings))


def _next_root(rest: Iterator[bytes], span: _Span) -> bytes:
    """Return the root of a subtree; `rest` stands at its first leaf hash and moves behind it."""
    tree = EMPTY_RANGE
    while missing := span.end - span.start - tree.size:
        portion = list(islice(rest, min(missing, _PORTION)))
        if not portion:
            raise IndexError(f"the leaf hashes end after {span.start + tree.size}")
        tree = tree.grow(portion)
    return tree.root()


def consistency_path(leaf_hashes: Sequence[bytes], old_size: int) -> Path:
    """Return the proof that the tree of `leaf_hashes` continues the one of its first `old_size`.

    Raises:
        IndexError: `old_size` is not from 0 to the number of leaves.
    """
    if not 0 <= old_size <= len(leaf_hashes):
        raise IndexError(f"size {old_size} of a tree with {len(leaf_hashes)} leaves")
    if old_size in (0, len(leaf_hashes)):
        return ()
    here = _Span(0, len(leaf_hashes))
    siblings: list[_Span] = []
    while here.end != old_size:
        left, right = _split(here)
        here, sibling = (left, right) if old_size <= left.end else (right, left)
        siblings.append(sibling)
    if here.start:  # otherwise it is the old tree itself, whose root the verifier has
        siblings.append(here)
    return tuple(root_of(leaf_hashes[start:end]) for start, end in reversed(siblings))


def path_length(index: int, size: int) -> int:
    """Return how many nodes the inclusion path of leaf `index` has in a tree of `size` leaves.

    Up to the level where the leaf's way meets the tree's right edge each level has a sibling;
    above it only the levels where the way comes from the right.
    """
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root to which `path` leads; its length must be right already."""
    inner = (index ^ (size - 1)).bit_length()
    for sibling in path[:inner]:
        pair = b"\x01" + sibling + leaf if index & 1 else b"\x01" + leaf + sibling
        leaf = sha256(pair).digest()
        index >>= 1
    for sibling in path[inner:]:
        leaf = sha256(b"\x01" + sibling + leaf).digest()
    return leaf


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf hash `leaf` stands at `index` in the tree of `size` leaves and `root`.

    Raises:
        NotTrustedError: Index beyond size, path of the wrong length, or another root.
    """
    if not 0 <= index < size:
        raise NotTrustedError(
            Finding.INDEX_BEYOND_SIZE, f"leaf {index} cannot be in a tree of {size} leaves"
        )
    if len(path) != path_length(index, size):
        raise NotTrustedError(
            Finding.PATH_LENGTH,
            f"leaf {index} of {size} needs a path of {path_length(index, size)} nodes, "
            f"not {len(path)}",
        )
    if root_from_path(leaf, index, size, path) != root:
        raise NotTrustedError(
            Finding.ROOT_MISMATCH, f"the path of leaf {index} does not lead to the signed root"
        )


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree (`new_size`, `new_root`) continues the tree (`old_size`, `old_root`).

    Raises:
        NotTrustedError: The new tree is smaller, or the proof does not lead to both roots.
    """
    if not 0 <= old_size <= new_size:
        raise NotTrustedError(
            Finding.ROLLED_BACK, f"the log had {old_size} leaves before, now {new_size}"
        )
    if old_size in (0, new_size):
        if path or (old_size == 0 and old_root != EMPTY_ROOT):
            raise _forked(old_size, new_size)
        if old_size == new_size and old_root != new_root:
            raise _forked(old_size, new_size)
        return
    lowest = (old_size & -old_size).bit_length() - 1  # height of the old tree's last subtree
    index, last = (old_size - 1) >> lowest, (new_size - 1) >> lowest
    nodes = path if index else (old_root, *path)  # a perfect old tree is that subtree itself
    if len(nodes) != 1 + path_length(index, last + 1):
        raise _forked(old_size, new_size)
    if _consistent_roots(nodes, index, last) != (old_root, new_root):
        raise _forked(old_size, new_size)


def _consistent_roots(nodes: Sequence[bytes], index: int, last: int) -> tuple[bytes, bytes]:
    """Return the old and the new root to which a consistency proof of the right length leads.

    Args:
        nodes: The last perfect subtree of the old tree, which both trees contain; then the proof.
        index: Position of that subtree in its level.
        last: Position of the new tree's last node in that level.
    """
    old = new = nodes[0]
    for node in nodes[1:]:
        while index == last and not index & 1:  # a last node without a sibling moves up unchanged
            index, last = index >> 1, last >> 1
        if index & 1:
            old, new = node_hash(node, old), node_hash(node, new)
        else:
            new = node_hash(new, node)
        index, last = index >> 1, last >> 1
    return old, new


def _forked(old_size: int, new_size: int) -> NotTrustedError:
    return NotTrustedError(
        Finding.FORKED_HISTORY,
        f"the tree of {new_size} leaves is not shown to continue the tree of {old_size}",
    )
