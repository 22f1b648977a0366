"""Released decisions against leaves: each sealed decision once, with its leaf's bytes and proof.

Decisions are released in the order of their leaves, so both are read side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aegis_streams.fsck import binary, bodies
from aegis_streams.fsck.errors import DistrustError
from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.notes import read_proof
from aegis_streams.fsck.receipts import Receipts
from aegis_streams.fsck.schemas import HEADER, UnreadableError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.bodies import Facts, Plain
    from aegis_streams.fsck.entries import Leaf
    from aegis_streams.fsck.findings import Findings
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.notes import Head
    from aegis_streams.fsck.retention import Expiry
    from aegis_streams.fsck.schemas import Registry
    from aegis_streams.fsck.trust import Signatures

RECORD: Final = "SignedDecision"


class Decisions:
    """The released decisions of one log.

    Args:
        log: The log.
        place: Topic and partition.
        records: Its records in order.
        covered: Leaves that the newest known checkpoint covers: those must have been released.
        tools: What checks signatures, and what knows the registry.
        expiry: What retention may have taken.
        findings: Takes what is wrong.

    Attributes:
        matched: How many met their leaf.
        unreleased: How many leaves wait for their seal.
    """

    def __init__(
        self,
        log: str,
        place: tuple[str, int],
        records: Iterator[Raw],
        *,
        covered: int,
        tools: tuple[Signatures, Registry],
        expiry: Expiry,
        findings: Findings,
    ) -> None:
        self._place = place
        self._records = records
        self._covered = covered
        self._registry = tools[1]
        self._receipts = Receipts(log, tools[0])
        self._expiry = expiry
        self._findings = findings
        self.matched = self.unreleased = 0
        self.head: Raw | None = next(records, None)

    @property
    def next_offset(self) -> int | None:
        """Offset of the next decision that no leaf has claimed; None after the last."""
        return None if self.head is None else self.head[0]

    @property
    def expired(self) -> int:
        """How many retention explains."""
        return self._expiry.expired

    def expect_plain(self, leaf: Leaf, plain: Plain, agent: bytes) -> Head | None:
        """Do as `expect` for a leaf whose body was not read in full."""
        if self.head is not None:
            offset, _, key, value = self.head
            value, body = value or b"", leaf.body
            start = binary.long(len(body)) + body
            if key == agent and value.startswith(start, HEADER):
                length, at = binary.read_long(value, HEADER + len(start))
                end = at + length
                if value[end:] == plain.released and self._is_present(value):
                    return self._proven(offset, leaf.sequence, leaf.leaf_hash, value[at:end])
        facts, _ = bodies.read(leaf.body)
        return self.expect(leaf.sequence, leaf.body, leaf.leaf_hash, facts)

    def expect(self, sequence: int, body: bytes, leaf: bytes, facts: Facts) -> Head | None:
        """Find the release of a decision leaf; return the tree head that proves it, if one does."""
        while self.head is not None:
            value = self.head[3] or b""
            start = binary.long(len(body)) + body
            if self._is_present(value) and value.startswith(start, HEADER):
                return self._same(sequence, leaf, facts, HEADER + len(start))
            found = self._read(self.head)
            index = None if found is None else _index(found["receipt"])
            if found is None or (index is not None and index < sequence):
                self._misplaced(found, index)
                self.head = next(self._records, None)
            elif index is None or index == sequence:
                return self._other(sequence, leaf, body, found)
            else:
                self._absent(sequence, facts, index)
                return None
        self._absent(sequence, facts, None)
        return None

    def finish(self, size: int) -> None:
        """Report decisions about leaves that the log, which has `size`, does not hold."""
        while self.head is not None:
            found = self._read(self.head)
            index = None if found is None else _index(found["receipt"])
            if found is None or index is None or index < size:
                self._misplaced(found, index)
            self.head = next(self._records, None)

    def _same(self, sequence: int, leaf: bytes, facts: Facts, at: int) -> Head | None:
        """Check receipt and copies of the decision whose body is that of the leaf."""
        if self.head is None:
            return None
        offset, _, key, value = self.head
        value = value or b""
        length, at = binary.read_long(value, at)
        receipt = value[at : at + length]
        if value[at + length :] != facts.released or key != (facts.agent or "").encode():
            self._add(
                Code.COPY_DIFFERS,
                f"the copies beside decision {facts.decision} differ from its body",
                offset,
                sequence,
            )
        return self._proven(offset, sequence, leaf, receipt)

    def _other(self, sequence: int, leaf: bytes, body: bytes, found: dict[str, Any]) -> Head | None:
        """Report a decision whose body is not that of the leaf it stands for."""
        if self.head is None:
            return None
        offset = self.head[0]
        if found["body"] == body:  # the same, written by another version of the schema
            return self._proven(offset, sequence, leaf, found["receipt"])
        self._add(
            Code.DECISION_BODY,
            f"decision {found['decision_id']} was released with other bytes than leaf {sequence} "
            "has",
            offset,
            sequence,
        )
        self._met()
        return None

    def _proven(self, offset: int, sequence: int, leaf: bytes, receipt: bytes) -> Head | None:
        head = None
        try:
            head = self._receipts.check(receipt, sequence, leaf)
        except DistrustError as error:
            self._add(Code(error.code), f"receipt of leaf {sequence}: {error}", offset, sequence)
        self._met()
        return head

    def _met(self) -> None:
        self.matched += 1
        self._expiry.begin()
        self.head = next(self._records, None)

    def _absent(self, sequence: int, facts: Facts, begins: int | None) -> None:
        if sequence >= self._covered:
            self.unreleased += 1
        elif not self._expiry.excuses(sequence, facts.time, begins):
            self._add(
                Code.DECISION_MISSING,
                f"decision {facts.decision} of leaf {sequence} is sealed and not on the topic",
                None,
                sequence,
            )

    def _misplaced(self, found: dict[str, Any] | None, index: int | None) -> None:
        if found is None or self.head is None:
            return
        known = index is not None and self.matched
        self._add(
            Code.DECISION_DOUBLED if known else Code.DECISION_INVENTED,
            f"decision {found['decision_id']} says it is about leaf {index}, which is no decision "
            "or was released already",
            self.head[0],
            index,
        )

    def _read(self, record: Raw) -> dict[str, Any] | None:
        """Return the fields of a record, None (and a finding) if it is none of ours."""
        offset, _, _, value = record
        try:
            schema = self._registry.schema(RECORD, (value or b"")[:HEADER])
            return decode(schema, value or b"", HEADER)
        except UnreadableError as error:
            self._add(Code.DECISION_INVENTED, f"no decision can be read: {error}", offset, None)
            return None

    def _is_present(self, value: bytes) -> bool:
        return self._registry.is_present(RECORD, value[:HEADER])

    def _add(self, code: Code, detail: str, offset: int | None, sequence: int | None) -> None:
        topic, partition = self._place
        self._findings.add(
            code, detail, topic=topic, partition=partition, offset=offset, sequence=sequence
        )


def _index(receipt: bytes) -> int | None:
    try:
        return read_proof(receipt).position
    except DistrustError:
        return None
