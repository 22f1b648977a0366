"""Inputs against leaves: exactly one leaf of its own for each, in order, and none about nothing.

Leaves take the inputs of a topic in the order of their offsets, so both are read side by side and
nothing has to be remembered. Offsets that hold no record (markers of transactions, aborted or
compacted records) are passed over.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from aegis_streams.fsck.findings import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.bodies import Facts
    from aegis_streams.fsck.findings import Findings

    Raw = tuple[int, int, bytes | None, bytes | None]
    """Offset, timestamp, key and value of a record."""


class InputTopic:
    """The inputs of one topic in one partition.

    Args:
        name: The topic's name.
        partition: The partition.
        records: Its records in order.
        low: Its first offset.
        decided: Up to where (exclusive) the deciders committed; None if that is not known.
        findings: Takes what is wrong.

    Attributes:
        head: The next record; None after the last.
        taken: How many records met their leaf.
        waiting: How many were not decided yet, known after `finish`.
    """

    def __init__(
        self,
        name: str,
        partition: int,
        records: Iterator[Raw],
        findings: Findings,
        *,
        low: int = 0,
        decided: int | None = None,
    ) -> None:
        self.name = name
        self._partition = partition
        self._records = records
        self._findings = findings
        self._low = low
        self._decided = decided
        self.head: Raw | None = next(records, None)
        self.next_offset = 0
        self.taken = self.waiting = 0

    def advance(self) -> None:
        """Go on: the next record met its leaf."""
        if self.head is not None:
            self.next_offset = self.head[0] + 1
        self.taken += 1
        self.head = next(self._records, None)

    def meet(self, facts: Facts, sequence: int) -> Raw | None:
        """Return the input that a leaf with ordinal 0 names, after reporting those passed over."""
        offset = facts.cause_offset
        if offset < self.next_offset:
            self._findings.add(
                Code.LEAF_DOUBLED if offset == self.next_offset - 1 else Code.LEAF_ORDER,
                f"leaf {sequence} is about offset {offset} of {self.name}, leaves before it went "
                f"as far as offset {self.next_offset - 1}",
                **self._where(offset, sequence),
            )
            return None
        self._pass_over(offset)
        self.next_offset = offset + 1
        if self.head is None or self.head[0] != offset:
            gone = f"; the topic begins at {self._low}" if offset < self._low else ""
            self._findings.add(
                Code.LEAF_WITHOUT_INPUT,
                f"leaf {sequence} names offset {offset} of {self.name}, where no record lies{gone}",
                **self._where(offset, sequence),
            )
            return None
        found = self.head
        self.advance()
        self._compare(facts, found, sequence)
        return found

    def finish(self) -> None:
        """Count what has no leaf yet, and report what should have one."""
        while self.head is not None:
            if self._decided is not None and self.head[0] < self._decided:
                self._passed(self.head[0])
            else:
                self.waiting += 1
            self.head = next(self._records, None)

    def _pass_over(self, offset: int) -> None:
        while self.head is not None and self.head[0] < offset:
            self._passed(self.head[0])
            self.head = next(self._records, None)

    def _passed(self, offset: int) -> None:
        self._findings.add(
            Code.INPUT_WITHOUT_LEAF,
            f"offset {offset} of {self.name} lies there and no leaf is about it",
            topic=self.name,
            partition=self._partition,
            offset=offset,
        )

    def _compare(self, facts: Facts, found: Raw, sequence: int) -> None:
        offset, stamp, _, value = found
        told = facts.cause_timestamp, facts.cause_sha256
        lies = stamp, sha256(value or b"").digest()
        if told != lies:
            self._findings.add(
                Code.CAUSE_DIFFERS,
                f"leaf {sequence} says of offset {offset}: time {told[0]}, SHA-256 "
                f"{told[1].hex()}; there lie time {lies[0]}, SHA-256 {lies[1].hex()}",
                **self._where(offset, sequence),
            )

    def _where(self, offset: int, sequence: int) -> dict[str, object]:
        return {
            "topic": self.name,
            "partition": self._partition,
            "offset": offset,
            "sequence": sequence,
        }
