"""Rows of the database beside the leaves of the topic: the same bytes, row for row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.fsck import binary
from aegis_streams.fsck.database import HEADS, RECORDS
from aegis_streams.fsck.findings import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.database import Row
    from aegis_streams.fsck.entries import Leaf
    from aegis_streams.fsck.findings import Findings

_HASHES = ("previous_hash", "leaf_hash", "entry_hash", "body")


class Rows:
    """The rows of one log.

    Args:
        rows: Rows and retired leaves, in order.
        delivered: Up to which offset (exclusive) the sink wrote leaves; None if that is not known.
        findings: Takes what is wrong.
        start: Leaves that are passed over, and the entry hash of the last of them.

    Attributes:
        matched: How many met their leaf.
        retired: How many of them are retired.
        behind: How many leaves the sink has not delivered yet.
        size: Leaves that the rows hold from the first on.
        last: Entry hash of the last of them.
    """

    def __init__(
        self,
        rows: Iterator[Row],
        delivered: int | None,
        findings: Findings,
        start: tuple[int, bytes] = (0, bytes(32)),
    ) -> None:
        self._rows = rows
        self._delivered = delivered
        self._findings = findings
        self._head = next(rows, None)
        self.matched = self.retired = self.behind = 0
        self.size, self.last = start

    def expect(self, leaf: Leaf, previous: bytes, entry: bytes, offset: int) -> None:
        """Compare the row of a leaf.

        Args:
            leaf: The leaf.
            previous: Entry hash of the leaf before it.
            entry: Its own entry hash.
            offset: Where it lies on the topic.
        """
        while self._head is not None and self._head.sequence < leaf.sequence:
            self._invented(self._head)
        if self._head is None or self._head.sequence != leaf.sequence:
            waits = self._delivered is None or offset >= self._delivered
            if self._head is None and waits:
                self.behind += 1
            else:
                self._add(Code.ROW_MISSING, f"no row holds leaf {leaf.sequence}", leaf.sequence)
            return
        self._compare(self._head, leaf, previous, entry)
        self.matched += 1
        self.size, self.last = leaf.sequence + 1, entry
        self._head = next(self._rows, None)

    def finish(self, head: tuple[int, bytes]) -> None:
        """Report rows about leaves that the log does not hold, and a guard that is elsewhere.

        With a row or more, the guard stands behind the last: both come with one snapshot.
        """
        while self._head is not None:
            self._invented(self._head)
        behind = head[0] < self.size and self.matched
        if behind or head[0] > self.size or (head[0] == self.size and head[1] != self.last):
            self._findings.add(
                Code.HEAD_DIFFERS,
                f"the guard let in {head[0]} leaves, the table holds {self.size} of the log",
                table=HEADS,
                sequence=self.size,
            )

    def _compare(self, row: Row, leaf: Leaf, previous: bytes, entry: bytes) -> None:
        if row.retired:
            self.retired += 1
            wrong = [] if row.leaf_hash == leaf.leaf_hash else ["leaf_hash (retired)"]
        else:
            wanted = (previous, leaf.leaf_hash, entry, leaf.body)
            wrong = [n for n, a, b in zip(_HASHES, row[1:5], wanted, strict=True) if a != b]
            if not wrong and not _same_copies(row, leaf):
                wrong = ["a searchable copy"]
        if wrong:
            self._add(
                Code.ROW_DIFFERS,
                f"row of leaf {leaf.sequence}: {', '.join(wrong)} differ from the leaf",
                leaf.sequence,
            )

    def _invented(self, row: Row) -> None:
        self._add(Code.ROW_INVENTED, f"a row numbered {row.sequence} is no leaf", row.sequence)
        self._head = next(self._rows, None)

    def _add(self, code: Code, detail: str, sequence: int) -> None:
        self._findings.add(code, detail, table=RECORDS, sequence=sequence)


def _same_copies(row: Row, leaf: Leaf) -> bool:
    if leaf.facts is not None:
        return row.copies == leaf.facts.columns()
    if leaf.plain is None:
        return True
    kind, time, *texts = row.copies
    if kind is None or time is None:
        return False
    optional = b"".join(b"\0" if each is None else b"\2" + binary.string(each) for each in texts)
    return binary.string(kind) + binary.long(time) + optional == leaf.plain.columns
