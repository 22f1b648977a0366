"""One log, leaf by leaf, with everything that has to agree with it read side by side.

Order of the checks of a leaf (ADR 0011):

1. the entry: log, sequence, link, leaf hash, entry hash, copies;
2. the tree: at every signed size the root;
3. the cause: one leaf of its own for each input, consequences right behind it, time, decision id;
4. the identity of the proposal within the horizon;
5. the dead letter of a refusal;
6. the released decision and its receipt;
7. the row in the database.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from aegis_streams.fsck import bodies
from aegis_streams.fsck.cause import Cause
from aegis_streams.fsck.findings import Code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aegis_streams.fsck.bodies import Facts, Plain
    from aegis_streams.fsck.decisions import Decisions
    from aegis_streams.fsck.entries import Entries, Leaf
    from aegis_streams.fsck.findings import Findings
    from aegis_streams.fsck.history import History
    from aegis_streams.fsck.horizon import Horizon
    from aegis_streams.fsck.inputs import InputTopic, Raw
    from aegis_streams.fsck.letters import Letters
    from aegis_streams.fsck.rows import Rows

WITHOUT_CAUSE = frozenset({"EpochOpened", "KeyAnnounced"})


class LogJudge:
    """Judges one log.

    Args:
        log: The log.
        place: Audit topic and partition.
        entries: Reads its leaves.
        history: Its tree, and what was signed about it.
        inputs: The input topics by name, that of proposals first.
        horizon: The ids of its proposals.
        decisions: What was released; None leaves it out.
        letters: Dead letters; None leaves them out.
        rows: Rows of the database; None leaves them out.
        findings: Takes what is wrong.
    """

    def __init__(
        self,
        log: str,
        place: tuple[str, int],
        *,
        entries: Entries,
        history: History,
        inputs: Mapping[str, InputTopic],
        horizon: Horizon,
        decisions: Decisions | None,
        letters: Letters | None,
        rows: Rows | None,
        findings: Findings,
    ) -> None:
        self._log, self._place = log, place
        self.entries, self.history, self.inputs = entries, history, inputs
        self.horizon, self.decisions, self.letters = horizon, decisions, letters
        self.rows, self._findings = rows, findings
        self._proposals = next(iter(inputs.values()))
        self.cause = Cause()
        self.next_offset = 0

    def run(self, records: Iterable[Raw], verified: Callable[[int], None]) -> None:
        """Judge all leaves; `verified` is told each size whose signed root is right."""
        take = self.take
        for record in records:
            if take(record):
                verified(self.entries.sequence)

    def finish(self) -> None:
        """Judge what is left when the last leaf was taken."""
        count = self.entries.sequence
        self.history.finish(count)
        for topic in self.inputs.values():
            topic.finish()
        if self.letters is not None:
            self.letters.finish(count)
        if self.decisions is not None:
            self.decisions.finish(count)

    def take(self, record: Raw) -> bool:
        """Judge a leaf; tell whether a signed size was reached and is right."""
        previous = self.entries.previous
        # Step 1
        leaf = self.entries.read(record, self._proposals.head)
        self.next_offset = record[0] + 1
        if leaf is None:
            return False
        if leaf.place < 0:
            return False
        if leaf.place > 0:
            self.history.lose()
        # Step 2
        reached = self.history.add(leaf.leaf_hash)
        # Steps 3 to 6
        if leaf.plain is not None:
            self._take_plain(leaf, leaf.plain, record)
        elif leaf.facts is not None:
            self._take_facts(leaf, leaf.facts, record)
        # Step 7
        if self.rows is not None:
            self.rows.expect(leaf, previous, self.entries.previous, record[0])
        return reached

    def _take_plain(self, leaf: Leaf, plain: Plain, record: Raw) -> None:
        """Take steps 3, 4 and 6 for the usual leaf: all that was foretold of it is right."""
        offset, stamp, key, _ = self._proposals.head or record
        if key != record[2] or not self.horizon.remember(plain):
            facts, _ = bodies.read(leaf.body)
            self._take_facts(leaf, facts, record)
            return
        self._proposals.advance()
        self.cause = Cause(
            self._proposals.name, self._place[1], offset, stamp, plain.cause_sha256, key
        )
        self.entries.time = plain.time
        if self.decisions is not None:
            head = self.decisions.expect_plain(leaf, plain, key or b"")
            if head is not None:
                self.history.tell(head)

    def _take_facts(self, leaf: Leaf, facts: Facts, record: Raw) -> None:
        sequence = leaf.sequence
        if facts.kind in WITHOUT_CAUSE or sequence == 0:
            self._uncaused(leaf, facts, record[0])
            return
        # Step 3
        source = self._cause(leaf, facts, record)
        if not facts.ordinal:
            self.entries.time = facts.time
        # Step 4
        for code, detail in self.horizon.take(facts):
            self._add(code, detail, record[0], sequence)
        # Step 5
        if self.letters is not None and facts.refused:
            self.letters.expect(sequence, facts, source)
        # Step 6
        if self.decisions is not None and facts.kind == "DecisionMade":
            head = self.decisions.expect(sequence, leaf.body, leaf.leaf_hash, facts)
            if head is not None:
                self.history.tell(head)

    def _cause(self, leaf: Leaf, facts: Facts, record: Raw) -> Raw | None:
        """Match a leaf with its input; return the input."""
        if facts.ordinal:
            self._consequence(leaf, facts, record)
            return None
        if facts.supersedes:
            self._add(
                Code.REPEAT_UNFOUNDED,
                f"leaf {leaf.sequence} decides a proposal and says it replaces {facts.supersedes}",
                record[0],
                leaf.sequence,
            )
        source = self._own(leaf, facts, record)
        if source is not None and source[2] != record[2]:
            self._add(
                Code.COPY_DIFFERS,
                f"the key of leaf {leaf.sequence} is not that of its input",
                record[0],
                leaf.sequence,
            )
        return source

    def _own(self, leaf: Leaf, facts: Facts, record: Raw) -> Raw | None:
        """Match a leaf that was not foreseen; return its input."""
        topic = self.inputs.get(facts.cause_topic or "")
        self.cause = Cause.of(facts, record[2])
        if topic is None or facts.cause_partition != self._place[1]:
            self._add(
                Code.LEAF_WITHOUT_INPUT,
                f"leaf {leaf.sequence} names {facts.cause_topic}[{facts.cause_partition}], whence "
                "no input of this log comes",
                record[0],
                leaf.sequence,
            )
            return None
        source = topic.meet(facts, leaf.sequence)
        wanted = self.entries.time if source is None else max(self.entries.time, source[1])
        if facts.time != wanted and source is not None:
            self._add(
                Code.LEAF_TIME,
                f"leaf {leaf.sequence} is of {facts.time}, it should be of {wanted}",
                record[0],
                leaf.sequence,
            )
        self._check_id(leaf, facts, record)
        return source

    def _consequence(self, leaf: Leaf, facts: Facts, record: Raw) -> None:
        """Compare a leaf with the one before it: it must be about the same input, and be next."""
        cause, told, sequence = self.cause, Cause.of(facts, record[2]), leaf.sequence
        self.cause = told
        if (told[:3], told.ordinal) != (cause[:3], cause.ordinal + 1):
            self._add(
                Code.LEAF_ORDER,
                f"leaf {sequence} is consequence {told.ordinal} of {told.topic}[{told.partition}] "
                f"offset {told.offset}; before it stands {cause.ordinal} of "
                f"{cause.topic}[{cause.partition}] {cause.offset}",
                record[0],
                sequence,
            )
        else:
            self._same(told, cause, facts.time, record[0], sequence)
        self._check_id(leaf, facts, record)

    def _same(self, told: Cause, cause: Cause, time: int, offset: int, sequence: int) -> None:
        """Report in what a consequence differs from the leaf before it."""
        if (told.timestamp, told.sha256) != (cause.timestamp, cause.sha256):
            what = f"leaf {sequence} describes its input otherwise than the leaf before it"
            self._add(Code.CAUSE_DIFFERS, what, offset, sequence)
        if told.key != cause.key:
            what = f"the key of leaf {sequence} is not that of its input"
            self._add(Code.COPY_DIFFERS, what, offset, sequence)
        if time != self.entries.time:
            what = f"leaf {sequence} is of {time}, the one before it of {self.entries.time}"
            self._add(Code.LEAF_TIME, what, offset, sequence)

    def _check_id(self, leaf: Leaf, facts: Facts, record: Raw) -> None:
        if facts.kind != "DecisionMade":
            return
        wanted = bodies.decision_id(self._log, facts)
        if facts.decision != wanted:
            self._add(
                Code.DECISION_ID,
                f"leaf {leaf.sequence} is called {facts.decision}; from log and input follows "
                f"{wanted}",
                record[0],
                leaf.sequence,
            )

    def _uncaused(self, leaf: Leaf, facts: Facts, offset: int) -> None:
        self.cause = Cause()
        fields = leaf.fields or {}
        right = fields.get("log") == self._log
        if facts.kind == "EpochOpened":
            parameters = fields.get("parameters", b"")
            right &= leaf.sequence == 0
            right &= fields.get("parameters_sha256") == sha256(parameters).digest()
            right &= fields.get("partition") == self._place[1]
            try:
                self.horizon.configure(parameters)
            except ValueError:
                right = False
            self.entries.time = facts.time
        elif leaf.sequence == 0:
            right = False
        if not right:
            self._add(
                Code.GENESIS,
                f"leaf {leaf.sequence} is {facts.kind} of {fields.get('log')}; leaf 0, and it "
                "alone, opens the epoch of this log, with the parameters whose hash it names",
                offset,
                leaf.sequence,
            )

    def _add(self, code: str, detail: str, offset: int, sequence: int) -> None:
        topic, partition = self._place
        self._findings.add(
            code, detail, topic=topic, partition=partition, offset=offset, sequence=sequence
        )
