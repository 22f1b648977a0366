"""Dead letters against refusals: one for each, with the input as it lies on its topic."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.schemas import HEADER, UnreadableError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.bodies import Facts
    from aegis_streams.fsck.findings import Findings
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.retention import Expiry
    from aegis_streams.fsck.schemas import Registry


class Letters:
    """The dead letters of one log, in the order of the leaves they belong to.

    Args:
        log: The log.
        place: Topic and partition.
        records: The records in order.
        registry: Gives the schema of each.
        expiry: What retention may have taken.
        findings: Takes what is wrong.
    """

    def __init__(
        self,
        log: str,
        place: tuple[str, int],
        records: Iterator[Raw],
        *,
        registry: Registry,
        expiry: Expiry,
        findings: Findings,
    ) -> None:
        self._log = log
        self._place = place
        self._records = records
        self._registry = registry
        self._expiry = expiry
        self._findings = findings
        self.matched = 0
        self._head: tuple[int, dict[str, Any]] | None = None
        self._advance()

    @property
    def next_offset(self) -> int | None:
        """Offset of the next letter that no leaf has claimed; None after the last."""
        return None if self._head is None else self._head[0]

    @property
    def expired(self) -> int:
        """How many retention explains."""
        return self._expiry.expired

    def expect(self, sequence: int, facts: Facts, source: Raw | None) -> None:
        """Find the letter of a refusal."""
        self._drop_before(sequence)
        if self._head is None or self._head[1]["sequence"] != sequence:
            begins = None if self._head is None else self._head[1]["sequence"]
            if not self._expiry.excuses(sequence, facts.time, begins):
                self._add(
                    Code.LETTER_MISSING,
                    f"leaf {sequence} refuses an input ({facts.reason}); no letter is about it",
                    None,
                    sequence,
                )
            return
        offset, letter = self._head
        self.matched += 1
        self._expiry.begin()
        self._compare(offset, letter, facts, source)
        self._advance()

    def finish(self, size: int) -> None:
        """Report letters that belong to no refusal among the first `size` leaves."""
        self._drop_before(size)

    def _drop_before(self, sequence: int) -> None:
        while self._head is not None and self._head[1]["sequence"] < sequence:
            offset, letter = self._head
            self._add(
                Code.LETTER_INVENTED,
                f"the letter is about leaf {letter['sequence']}, which refuses nothing or has its "
                "letter already",
                offset,
                letter["sequence"],
            )
            self._advance()

    def _advance(self) -> None:
        self._head = None
        for offset, _, key, value in self._records:
            try:
                schema = self._registry.schema("DeadLetter", (value or b"")[:HEADER])
                letter = decode(schema, value or b"", HEADER)
            except UnreadableError as error:
                self._add(Code.LETTER_DIFFERS, f"it cannot be read: {error}", offset, None)
                continue
            if letter["log"] != self._log:
                self._add(Code.LETTER_INVENTED, f"it names the log {letter['log']}", offset, None)
                continue
            letter["record key"] = key
            self._head = offset, letter
            return

    def _compare(
        self, offset: int, letter: dict[str, Any], facts: Facts, source: Raw | None
    ) -> None:
        wanted: dict[str, object] = {
            "reason": facts.reason,
            "topic": facts.cause_topic,
            "partition": facts.cause_partition,
            "offset": facts.cause_offset,
            "timestamp": facts.cause_timestamp,
            "value_sha256": facts.cause_sha256,
        }
        if facts.reason != "evaluation_error":  # its words may differ between versions
            wanted["detail"] = facts.detail
        if source is not None:
            value = source[3] or b""
            wanted |= {"key": source[2], "record key": source[2], "value_length": len(value)}
            if not letter["truncated"]:
                wanted["value"] = value
        elif not letter["truncated"]:
            wanted["value_sha256"] = sha256(letter["value"]).digest()
        wrong = [name for name, value in wanted.items() if letter[name] != value]
        if wrong:
            self._add(
                Code.LETTER_DIFFERS,
                f"its {', '.join(wrong)} differ from leaf or input",
                offset,
                letter["sequence"],
            )

    def _add(self, code: Code, detail: str, offset: int | None, sequence: int | None) -> None:
        topic, partition = self._place
        self._findings.add(
            code, detail, topic=topic, partition=partition, offset=offset, sequence=sequence
        )
