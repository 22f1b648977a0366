"""Judging one log from Kafka: what is read, in which order, and up to where.

Steps (`judge`); ends are taken so that whatever one topic shows, the next one has to have:

1. what the sink delivered, and then a snapshot of the database, if there is one;
2. offsets that decider and sealer committed;
3. end of the checkpoints, and all of them read, or those after the position of an earlier run;
4. end of the decisions;
5. end of the leaves;
6. ends of inputs and dead letters;
7. the position of an earlier run, checked against the leaves;
8. leaf by leaf (`LogJudge`);
9. what is left over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.fsck.beside import Beside
from aegis_streams.fsck.bodies import Foreseen
from aegis_streams.fsck.cause import Cause
from aegis_streams.fsck.checkpoints import Newest, take_retained, take_topic
from aegis_streams.fsck.claims import DATABASE, TOPIC, Claims
from aegis_streams.fsck.decisions import Decisions
from aegis_streams.fsck.entries import Entries
from aegis_streams.fsck.findings import Code, Findings
from aegis_streams.fsck.history import History
from aegis_streams.fsck.horizon import Horizon
from aegis_streams.fsck.inputs import InputTopic
from aegis_streams.fsck.judge import LogJudge
from aegis_streams.fsck.kafka import Cluster, Kafka, Span
from aegis_streams.fsck.letters import Letters
from aegis_streams.fsck.resume import EVERY, Mark, Marks, obstacle, restore, tree_of
from aegis_streams.fsck.retention import Expiry
from aegis_streams.fsck.schemas import Registry
from aegis_streams.fsck.state import Position
from aegis_streams.fsck.task import BLIND, Judged, Task
from aegis_streams.fsck.trust import Signatures, Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.rows import Rows

PROGRESS_LEAVES: Final = 20_000


class Ends(NamedTuple):
    """Where each topic ends for this run, and what the groups committed."""

    checkpoints: Span
    decisions: Span
    audit: Span
    inputs: dict[str, Span]
    letters: Span
    decided: dict[str, int | None]
    sealed: int | None


class StreamJudge:
    """Judges one log from Kafka.

    Args:
        task: What is to be judged.
        progress: Is told the offset reached and the last offset of the leaves.
        save: Takes each verified position; None if nobody wants them.
        kafka: Where the topics are; None connects to the task's.
    """

    def __init__(
        self,
        task: Task,
        progress: Callable[[int, int], None],
        save: Callable[[Position], None] | None = None,
        kafka: Cluster | None = None,
    ) -> None:
        self._task = task
        self.findings = Findings(task.log)
        self.result = Judged(task.log)
        self._progress, self._save = progress, save
        self._kafka: Cluster = kafka or Kafka(task.source.bootstrap or "")
        self._trust = Trust(task.trust)
        self._tools = Signatures(self._trust), Registry(task.source.registry)
        self.claims = Claims(task.directory)
        self._horizon = Horizon(task.directory)
        self._marks = Marks()
        self._from: Position | None = None
        self._covered = 0
        self._sealed = 0, 0
        self._unkept: int | None = None
        self._beside: Beside | None = None
        self._entries: Entries | None = None

    def judge(self) -> Judged:
        """Judge the log.

        Raises:
            CannotCheckError: Kafka, the registry, the database or a file did not answer.
        """
        task = self._task
        if task.log not in self._trust.logs:
            self.findings.add(Code.ORIGIN_UNKNOWN, f"the trust file knows no log {task.log}")
            return self._result()
        # Step 1
        if task.source.database is not None:
            self._beside = Beside(task, self._kafka)
        # Steps 2 to 6
        ends = self._ends()
        start, newest = self._take_checkpoints(ends)
        # Step 7
        judge = self._prepare(ends, start)
        self._entries = judge.entries
        # Step 8
        records = self._kafka.read(ends.audit, 0 if start is None else start.audit)
        judge.run(self._watched(records, judge, ends), lambda _: self._verified(judge, ends))
        # Step 9
        judge.finish()
        self._sum_up(judge, ends, newest)
        return self._result()

    @property
    def reached(self) -> int:
        """The leaf that is judged, or comes next."""
        return 0 if self._entries is None else self._entries.sequence

    def stopped(self) -> Judged:
        """Return what was found up to where nothing more could be checked."""
        return self._result()

    def close(self) -> None:
        """Give temporary files back."""
        if self._beside is not None:
            self._beside.close()
        self._kafka.close()
        self.claims.close()
        self._horizon.close()

    def _ends(self) -> Ends:
        source, partition, kafka = self._task.source, self._task.partition, self._kafka
        topics, groups = source.topics, source.groups
        decided, sealed = dict.fromkeys((name for name, _ in topics.inputs), None), None
        if "decide" in groups:
            decided = {
                name: kafka.committed(groups["decide"], lies, partition)
                for name, lies in topics.inputs
            }
        if "seal" in groups:
            sealed = kafka.committed(groups["seal"], topics.audit, partition)
        return Ends(
            checkpoints=kafka.span(topics.checkpoints, partition, stable=True),
            decisions=kafka.span(topics.decisions, partition, stable=False),
            audit=kafka.span(topics.audit, partition, stable=True),
            inputs={name: kafka.span(lies, partition, stable=True) for name, lies in topics.inputs},
            letters=kafka.span(topics.letters, partition, stable=False),
            decided=decided,
            sealed=sealed,
        )

    def _take_checkpoints(self, ends: Ends) -> tuple[Position | None, Newest]:
        """Collect everything signed; return where to go on from, and the newest checkpoint."""
        task = self._task
        retained = take_retained(task.log, task.since, self._tools[0], self.claims, self.findings)
        start, span = self._start(ends), ends.checkpoints
        begin, size = (0, 0) if start is None else (start.checkpoints, start.size)
        count, newest = self._take_topic(span, begin, size)
        if start is not None and count and self.claims.span(TOPIC)[0] <= size:
            start = None
            self._afresh("a checkpoint of no more leaves than verified was published since")
            earlier, before = self._take_topic(span._replace(end=min(begin, span.end)), 0, 0)
            count, newest = count + earlier, newest if newest.note else before
        if start is not None:
            told = f"goes on from leaf {start.size}, verified by a run before"
            self.result.told.append(told)
        self.result.figures |= {"checkpoints": count, "retained checkpoints": retained}
        if self._beside is not None:
            stored = self._beside.take(self._tools[0], self.claims, self.findings)
            self.result.figures["stored checkpoints"] = stored
            lacking = next(self.claims.kept_only_by(TOPIC, DATABASE), None)
            self._unkept = None if lacking is None else lacking.size
        self._covered = self.claims.span(TOPIC)[1] if count else self.claims.largest()
        return start, newest

    def _take_topic(self, span: Span, begin: int, size: int) -> tuple[int, Newest]:
        return take_topic(
            self._task.log,
            (span.topic, span.partition),
            self._kafka.read(span, begin),
            tools=self._tools,
            claims=self.claims,
            findings=self.findings,
            begun=size,
        )

    def _afresh(self, why: str) -> None:
        """Give a position up."""
        self.result.told.append(f"everything is read again from the first leaf: {why}")
        self._horizon.close()
        self._horizon = Horizon(self._task.directory)

    def _start(self, ends: Ends) -> Position | None:
        """Return the position of an earlier run, if it can be used."""
        position = self._task.position
        if position is None:
            return None
        why = obstacle(position, self._task, self._trust.sha256)
        if why is not None:
            self._afresh(why)
            return None
        window = ends.audit._replace(end=min(position.audit, ends.audit.end))
        place = ends.audit.topic, ends.audit.partition
        records = self._kafka.read(window, position.window[1])
        if restore(position, place, records, self._tools[1], self._horizon):
            return position
        self.findings.add(
            Code.STATE_DIFFERS,
            f"an earlier run verified {position.size} leaves ending with {position.entry_hash}; "
            "the log does not lead there",
            topic=place[0],
            partition=place[1],
            sequence=position.size - 1,
        )
        self._afresh("the log does not lead to the position")
        return None

    def _prepare(self, ends: Ends, start: Position | None) -> LogJudge:
        log, partition = self._task.log, self._task.partition
        place = ends.audit.topic, partition
        proposals = self._task.source.topics.inputs[0][0]
        foreseen = Foreseen(log, proposals, partition)
        entries = Entries(log, place, self._tools[1], foreseen, self.findings)
        tree = first = None
        if start is not None:
            entries.sequence, entries.time = start.size, start.time
            entries.previous = bytes.fromhex(start.entry_hash)
            tree = tree_of(start)
            if ends.checkpoints.low <= start.checkpoints:
                first = start.size
        signed = ends.checkpoints.topic, partition
        history = History(self.claims, signed, self.findings, tree, first)
        judge = LogJudge(
            log,
            place,
            entries=entries,
            history=history,
            inputs={name: self._inputs(name, ends, start) for name in ends.inputs},
            horizon=self._horizon,
            decisions=self._decisions(ends, start),
            letters=self._letters(ends, start),
            rows=self._rows(entries),
            findings=self.findings,
        )
        self._from = start
        if start is None:
            self._marks.add(Mark(0, ends.audit.low, bytes(32), 0))
        else:
            judge.cause, judge.next_offset = Cause.from_plain(start.cause), start.audit
            sequence, offset, link = start.window
            self._marks.add(Mark(sequence, offset, bytes.fromhex(link), 0))
        return judge

    def _rows(self, entries: Entries) -> Rows | None:
        if self._beside is None:
            return None
        return self._beside.rows((entries.sequence, entries.previous), self.findings)

    def _inputs(self, name: str, ends: Ends, start: Position | None) -> InputTopic:
        span, begin = ends.inputs[name], 0 if start is None else start.inputs[name]
        topic = InputTopic(
            name,
            self._task.partition,
            self._kafka.read(span, begin),
            self.findings,
            low=span.low,
            decided=ends.decided[name],
        )
        topic.next_offset = begin
        return topic

    def _decisions(self, ends: Ends, start: Position | None) -> Decisions:
        span, begin = ends.decisions, 0 if start is None else start.decisions
        return Decisions(
            self._task.log,
            (span.topic, span.partition),
            self._kafka.read(span, begin),
            covered=self._covered,
            tools=self._tools,
            expiry=self._expiry(span, begin, self._task.source.keeps_ms[0]),
            findings=self.findings,
        )

    def _letters(self, ends: Ends, start: Position | None) -> Letters:
        span, begin = ends.letters, 0 if start is None else start.letters
        return Letters(
            self._task.log,
            (span.topic, span.partition),
            self._kafka.read(span, begin),
            registry=self._tools[1],
            expiry=self._expiry(span, begin, self._task.source.keeps_ms[1]),
            findings=self.findings,
        )

    def _expiry(self, span: Span, begin: int, keeps_ms: int) -> Expiry:
        low = span.low if span.low > begin else 0
        place = span.topic, span.partition
        return Expiry(place, low, self._task.now_ms - keeps_ms, self.findings)

    def _watched(self, records: Iterable[Raw], judge: LogJudge, ends: Ends) -> Iterator[Raw]:
        """Pass records on; tell of progress, and mark places to go on from."""
        entries, sealed, end = judge.entries, ends.sealed or 0, ends.audit.end
        for count, record in enumerate(records):
            if count % EVERY == 0 and count:
                self._marks.add(Mark(entries.sequence, record[0], entries.previous, entries.time))
            if count % PROGRESS_LEAVES == 0:
                self._progress(record[0], end)
            yield record
            if record[0] < sealed:
                self._sealed = entries.sequence, entries.time
        self._progress(end, end)

    def _verified(self, judge: LogJudge, ends: Ends) -> None:
        """Hand the present position on, unless something was found, or would not be seen again.

        What the checkpoints read do not cover may still come before others on their topic; rows
        and kept checkpoints that are on their way are compared when they are there.
        """
        tree, entries, rows = judge.history.tree, judge.entries, judge.rows
        if self._save is None or self.findings or tree is None or tree.size > self._covered:
            return
        lacking = self._unkept is not None and self._unkept <= tree.size
        if lacking or (rows is not None and rows.behind):
            return
        horizon = self._horizon
        window = self._marks.window(entries.time - horizon.milliseconds)
        decisions = None if judge.decisions is None else judge.decisions.next_offset
        letters = None if judge.letters is None else judge.letters.next_offset
        place = self.claims.next_place(TOPIC, tree.size)
        self.result.position = Position(
            log=self._task.log,
            trust=self._trust.sha256,
            size=tree.size,
            entry_hash=entries.previous.hex(),
            peaks=tuple(peak.hex() for peak in tree.peaks),
            time=entries.time,
            audit=judge.next_offset,
            inputs={name: topic.next_offset for name, topic in judge.inputs.items()},
            cause=judge.cause.as_plain(),
            decisions=ends.decisions.end if decisions is None else decisions,
            letters=ends.letters.end if letters is None else letters,
            checkpoints=ends.checkpoints.end if place is None else int(place),
            database=rows is not None,
            parameters=(horizon.milliseconds, horizon.capacity),
            window=(window.sequence, window.offset, window.link.hex()),
        )
        self._save(self.result.position)

    def _sum_up(self, judge: LogJudge, ends: Ends, newest: Newest) -> None:
        """Write down how much was checked, what waits, and what cannot be seen from here."""
        result, count = self.result, judge.entries.sequence
        result.newest = newest.note
        published = max(newest.size, 0 if self._from is None else self._from.size)
        covered = max(published, judge.history.verified)
        self._check_sealed(published, ends.checkpoints)
        figures = result.figures
        figures["leaves"] = count
        figures["tree heads compared"] = judge.history.checked
        figures["inputs"] = sum(topic.taken for topic in judge.inputs.values())
        figures["inputs waiting"] = sum(topic.waiting for topic in judge.inputs.values())
        figures["leaves not signed yet"] = max(0, count - covered)
        if judge.decisions is not None:
            figures["decisions"] = judge.decisions.matched
            figures["decisions not released yet"] = judge.decisions.unreleased
            figures["decisions expired"] = judge.decisions.expired
        if judge.letters is not None:
            figures["dead letters"] = judge.letters.matched
            figures["dead letters expired"] = judge.letters.expired
        if self._beside is not None:
            figures |= self._beside.finish(self.claims, self.findings)
            result.told += self._beside.told
        if not figures["retained checkpoints"]:
            result.told.append(BLIND)

    def _check_sealed(self, published: int, span: Span) -> None:
        """See that the checkpoints go as far as the sealer, unless all of them expired."""
        sealed, time = self._sealed
        begin = 0 if self._from is None else self._from.checkpoints
        expiry = self._expiry(span, begin, self._task.source.keeps_ms[0])
        if self.result.figures["checkpoints"]:
            expiry.begin()
        if sealed > published and not expiry.excuses(sealed - 1, time, None):
            self.findings.add(
                Code.CHECKPOINT_MISSING,
                f"the sealer went as far as {sealed} leaves, the newest checkpoint has {published}",
                topic=span.topic,
                partition=span.partition,
                sequence=sealed - 1,
            )

    def _result(self) -> Judged:
        swapped = self._tools[1].swapped
        for (record, number), why in swapped.items():
            self.findings.add(
                Code.SCHEMA_SWAPPED,
                f"{why}; the file is {record}.avsc",
                table=f"{record}, id {number}",
            )
        self.result.findings = list(self.findings.found.values())
        if self.findings:
            self.result.position = None
        return self.result
