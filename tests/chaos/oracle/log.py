"""The log recomputed from its bodies: sequence, chain, tree, and the copies beside each body.

The hashing here is the oracle's own, from the definitions (RFC 6962), so that an error in the
product's cannot hide itself.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final
from unicodedata import category

from aegis_codecs.errors import DecodeError
from aegis_codecs.records.audit import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos.oracle.evidence import PartitionEvidence
    from chaos.oracle.findings import Findings


_LONGEST_ID: Final = 128


class Tree:
    """The roots of all prefixes of a log, computed when they are asked for in rising order."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._subtrees: list[tuple[int, bytes]] = []
        self._roots = [sha256(b"").digest()]
        for body in bodies:
            self._append(sha256(b"\0" + body).digest())

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._roots) - 1

    def root(self, size: int) -> bytes | None:
        """Return the root of the first `size` leaves, None if there are fewer."""
        return self._roots[size] if 0 <= size <= self.size else None

    def _append(self, node: bytes) -> None:
        height, subtrees = 0, self._subtrees
        while subtrees and subtrees[-1][0] == height:
            node = sha256(b"\1" + subtrees.pop()[1] + node).digest()
            height += 1
        subtrees.append((height, node))
        root = subtrees[-1][1]
        for _, left in subtrees[-2::-1]:
            root = sha256(b"\1" + left + root).digest()
        self._roots.append(root)


def check_log(evidence: PartitionEvidence, findings: Findings) -> Tree:
    """Check every entry against the recomputed chain; return the recomputed tree."""
    previous = bytes(32)
    for number, leaf in enumerate(evidence.leaves):
        entry = leaf.entry
        where = f"{evidence.origin} leaf {number}"
        findings.expect("sequence", where, (entry.log, entry.sequence), (evidence.origin, number))
        leaf_hash = sha256(b"\0" + entry.body).digest()
        link = sha256(previous + leaf_hash).digest()
        findings.expect(
            "chain",
            where,
            (entry.previous_hash, entry.leaf_hash, entry.entry_hash),
            (previous, leaf_hash, link),
        )
        previous = link
        try:
            findings.expect("columns", where, entry.columns, columns_of(entry.body))
        except DecodeError as error:
            findings.add("leaf_unreadable", where, str(error))
        hostile = [text for text in entry.columns[2:] if text and _is_hostile(text)]
        findings.expect("copy_hostile", where, hostile, [])
    return Tree(leaf.entry.body for leaf in evidence.leaves)


def _is_hostile(text: str) -> bool:
    """Whether a database could choke on a copy, or a terminal obey it."""
    return len(text) > _LONGEST_ID or "Cc" in map(category, text)
