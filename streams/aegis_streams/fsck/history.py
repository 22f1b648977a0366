"""The tree of a log against everything that was ever signed about it.

The root is computed at each size that somebody signed. So every checkpoint is shown to be a prefix
of every later one, without proofs: all of them follow from the same leaves.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from aegis_streams.fsck.claims import DATABASE, RECEIPT, RETAINED, TOPIC, Claim, Claims
from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.merkle import Tree

if TYPE_CHECKING:
    from aegis_streams.fsck.findings import Findings
    from aegis_streams.fsck.notes import Head


class History:
    """Grows the tree of one log and compares it with the claims.

    Args:
        claims: What was signed; complete, but for what receipts add.
        place: Topic and partition of checkpoints.
        findings: Takes what is wrong.
        tree: The tree to go on from.
        first: From which size on the topic still has all its checkpoints; None for the smallest
            of those that were read.

    Attributes:
        tree: The tree; None once a leaf is missing.
        verified: Size of the largest tree whose root was signed and is right.
        checked: How many claims were compared.
    """

    def __init__(
        self,
        claims: Claims,
        place: tuple[str, int],
        findings: Findings,
        tree: Tree | None = None,
        first: int | None = None,
    ) -> None:
        self.tree: Tree | None = tree or Tree()
        self.verified = 0 if tree is None else tree.size
        self.checked = 0
        self._claims = claims
        self._place = place
        self._findings = findings
        self._stored = claims.after(self.verified)
        smallest, newest = claims.span(TOPIC)
        self._published = (smallest if first is None else first), newest
        self._told: list[Claim] = []
        self._seen: tuple[int, bytes] | None = None
        self._next = next(self._stored, None)
        self.due = self._due()

    def add(self, leaf: bytes) -> bool:
        """Append a leaf hash; tell whether a signed size was reached and is right."""
        if self.tree is None:
            return False
        self.tree.add(leaf)
        return self.tree.size >= self.due and self._compare(self.tree)

    def lose(self) -> None:
        """Note that a leaf is missing: no root can be computed any more."""
        self.tree = None

    def tell(self, head: Head) -> None:
        """Take the tree head in a receipt, which may not have been on the topic of checkpoints.

        A receipt proves a leaf that was added already, so its tree is not smaller than this one.
        """
        told = head.size, head.root
        if told == self._seen or self.tree is None:
            return
        self._seen = told
        heapq.heappush(self._told, Claim(head.size, head.root, RECEIPT, self._place[0]))
        if head.size == self.tree.size:
            self._compare(self.tree)
        self.due = self._due()

    def finish(self, count: int) -> None:
        """Report claims about more leaves than the log has."""
        rest = [*self._told, *([] if self._next is None else [self._next]), *self._stored]
        beyond = [claim for claim in rest if claim.size > count]
        self.checked += len(beyond)
        for claim in beyond:
            self._findings.add(
                Code.TAIL_CUT,
                f"{claim.size} leaves were signed, the log has {count}",
                **self._where(claim),
            )

    def _due(self) -> float:
        sizes = [self._told[0].size] if self._told else []
        sizes += [] if self._next is None else [self._next.size]
        return min(sizes, default=float("inf"))

    def _compare(self, tree: Tree) -> bool:
        """Compare every claim about the present size; tell whether all are right."""
        root, good, sources = tree.root(), True, set()
        roots: dict[bytes, Claim] = {}
        for claim in self._claims_of(tree.size):
            self.checked += 1
            sources.add(claim.source)
            roots.setdefault(claim.root, claim)
            if claim.root != root:
                good = False
                self._differs(claim, root)
        if len(roots) > 1:
            self._forked(roots)
        first, newest = self._published  # retention may have taken what is before the first
        lacking = RECEIPT in sources and not self._claims.holds(tree.size, TOPIC)
        if lacking and first < tree.size < newest:
            self._unpublished(tree.size)
        if good and sources:
            self.verified = tree.size
        self.due = self._due()
        return good

    def _claims_of(self, size: int) -> list[Claim]:
        found = []
        while self._next is not None and self._next.size <= size:
            found.append(self._next)
            self._next = next(self._stored, None)
        while self._told and self._told[0].size <= size:
            found.append(heapq.heappop(self._told))
        return found

    def _differs(self, claim: Claim, root: bytes) -> None:
        self._findings.add(
            Code.TREE_ROOT,
            f"signed for {claim.size} leaves: {claim.root.hex()}; the leaves give {root.hex()}. "
            f"The first leaf that was changed is one of {self.verified} to {claim.size - 1}",
            **self._where(claim),
        )

    def _forked(self, roots: dict[bytes, Claim]) -> None:
        places = " and ".join(f"{c.source} {c.place}".strip() for c in roots.values())
        first = next(iter(roots.values()))
        self._findings.add(
            Code.HISTORY_FORKED,
            f"{len(roots)} roots are signed for {first.size} leaves: {places}",
            **self._where(first),
        )

    def _unpublished(self, size: int) -> None:
        topic, partition = self._place
        self._findings.add(
            Code.CHECKPOINT_MISSING,
            f"decisions were released with a checkpoint of {size} leaves, which is not on {topic}",
            topic=topic,
            partition=partition,
            sequence=size - 1,
        )

    def _where(self, claim: Claim) -> dict[str, Any]:
        if claim.source == TOPIC:
            topic, partition = self._place
            place: dict[str, Any] = {
                "topic": topic,
                "partition": partition,
                "offset": int(claim.place),
            }
        elif claim.source == RETAINED:
            place = {"file": claim.place}
        else:
            place = {"table" if claim.source == DATABASE else "topic": claim.place}
        return {**place, "sequence": claim.size - 1}
