"""Judging a log from the database alone.

The rows are the leaves: sequence, hashes, chain, tree, copies and identity are computed from them,
and compared with every checkpoint in the database and every one that was retained.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aegis_streams.fsck import bodies
from aegis_streams.fsck.beside import check_guard, take_stored
from aegis_streams.fsck.checkpoints import take_retained
from aegis_streams.fsck.claims import Claims
from aegis_streams.fsck.database import CHECKPOINTS, HEADS, RECORDS, Database
from aegis_streams.fsck.findings import Code, Findings
from aegis_streams.fsck.history import History
from aegis_streams.fsck.horizon import Horizon
from aegis_streams.fsck.kept import Kept
from aegis_streams.fsck.schemas import UnreadableError
from aegis_streams.fsck.tables import check_tables
from aegis_streams.fsck.task import BLIND, Judged, Task
from aegis_streams.fsck.trust import Signatures, Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aegis_streams.fsck.database import Row

EVERY = 20_000


class StoreJudge:
    """Judges one log from the database alone.

    Args:
        task: What is to be judged.
        progress: Is told the sequence reached, and the last.

    Raises:
        CannotCheckError: The database does not answer.
    """

    def __init__(self, task: Task, progress: Callable[[int, int], None]) -> None:
        self._task, self._progress = task, progress
        self._base = Database(task.source.database or "")
        self.findings = Findings(task.log)
        self._trust = Trust(task.trust)
        self._claims = Claims(task.directory)
        self._horizon = Horizon(task.directory)
        self._sequence, self._previous = 0, bytes(32)
        self._offsets: dict[str, int] = {}

    def judge(self) -> Judged:
        """Judge the log.

        Raises:
            CannotCheckError: The database failed.
        """
        task, result = self._task, Judged(self._task.log)
        if task.log not in self._trust.logs:
            self.findings.add(Code.ORIGIN_UNKNOWN, f"the trust file knows no log {task.log}")
            result.findings = list(self.findings.found.values())
            return result
        signatures = Signatures(self._trust)
        retained = take_retained(task.log, task.since, signatures, self._claims, self.findings)
        count, newest = take_stored(task.log, self._base, signatures, self._claims, self.findings)
        history = History(self._claims, (CHECKPOINTS, task.partition), self.findings)
        head = self._base.head(task.log)
        retired, kept = 0, Kept(self._claims, self.findings)
        for row in kept.watch(self._base.rows(task.log)):
            retired += row.retired
            self._take(row, history)
            if row.sequence % EVERY == 0:
                self._progress(row.sequence, head[0])
        self._progress(head[0], head[0])
        history.finish(self._sequence)
        self._check_head(head)
        refused = check_guard(task.log, task.partition, self._base, self.findings)
        result.newest = newest.note
        result.figures = {
            "rows": self._sequence,
            "retired rows": retired,
            "stored checkpoints": count,
            "retained checkpoints": retained,
            "tree heads compared": history.checked,
            "rows not signed yet": max(0, self._sequence - history.verified),
            **refused,
            **kept.figures(),
        }
        if not retained:
            result.told.append(BLIND)
        others = None if task.partition else tuple(self._trust.logs)
        result.told += check_tables(task.log, self._base, others, self.findings)
        result.findings = list(self.findings.found.values())
        return result

    @property
    def reached(self) -> int:
        """The leaf that is judged, or comes next."""
        return self._sequence

    def stopped(self) -> Judged:
        """Return what was found up to where nothing more could be checked."""
        return Judged(self._task.log, list(self.findings.found.values()))

    def close(self) -> None:
        """Give temporary files back."""
        self._base.close()
        self._claims.close()
        self._horizon.close()

    def _take(self, row: Row, history: History) -> None:
        if row.sequence != self._sequence:
            gap = row.sequence > self._sequence
            self._add(
                Code.SEQUENCE_GAP if gap else Code.SEQUENCE_REPEATED,
                f"where leaf {self._sequence} should stand is leaf {row.sequence}",
                row.sequence,
            )
            if not gap:
                return
            history.lose()
            self._previous = row.previous_hash
        leaf = row.leaf_hash
        if row.retired:
            self._previous = sha256(self._previous + leaf).digest()
        else:
            leaf = self._check_hashes(row)
            self._check_body(row)
            self._previous = row.entry_hash
        self._sequence = row.sequence + 1
        history.add(leaf)

    def _check_hashes(self, row: Row) -> bytes:
        leaf = sha256(b"\0" + (row.body or b"")).digest()
        if leaf != row.leaf_hash:
            self._add(Code.LEAF_HASH, f"leaf {row.sequence} has another hash", row.sequence)
        link = sha256(self._previous + row.leaf_hash).digest()
        if (row.previous_hash, row.entry_hash) != (self._previous, link):
            self._add(
                Code.CHAIN_BROKEN,
                f"leaf {row.sequence} does not follow from the one before",
                row.sequence,
            )
        return leaf

    def _check_body(self, row: Row) -> None:
        if row.body is None:
            self._add(
                Code.ROW_DIFFERS,
                f"leaf {row.sequence} is not retired and has no body",
                row.sequence,
            )
            return
        try:
            facts, fields = bodies.read(row.body)
        except UnreadableError as error:
            self._add(Code.LEAF_UNREADABLE, f"body of leaf {row.sequence}: {error}", row.sequence)
            return
        if row.copies != facts.columns():
            self._add(
                Code.COPY_DIFFERS,
                f"leaf {row.sequence}: the copies are {row.copies}, the body says "
                f"{facts.columns()}",
                row.sequence,
            )
        if facts.kind == "EpochOpened":
            self._open(row.sequence, fields)
        elif row.sequence == 0:
            self._add(Code.GENESIS, f"the log begins with {facts.kind}", 0)
        if facts.cause_topic and not facts.ordinal:
            if facts.cause_offset <= self._offsets.get(facts.cause_topic, -1):
                self._add(
                    Code.LEAF_ORDER,
                    f"leaf {row.sequence} is about offset {facts.cause_offset} of "
                    f"{facts.cause_topic}, as one before, or an earlier one",
                    row.sequence,
                )
            self._offsets[facts.cause_topic] = facts.cause_offset
        if self._horizon.capacity:
            for code, detail in self._horizon.take(facts):
                self._add(code, detail, row.sequence)

    def _open(self, sequence: int, fields: Mapping[str, Any]) -> None:
        """Take the parameters of the leaf that opens the epoch."""
        parameters = fields["parameters"]
        right = sequence == 0 and fields["log"] == self._task.log
        right &= fields["parameters_sha256"] == sha256(parameters).digest()
        try:
            self._horizon.configure(parameters)
        except ValueError:
            right = False
        if not right:
            self._add(
                Code.GENESIS,
                f"leaf {sequence} is EpochOpened of {fields['log']}; leaf 0, and it alone, opens "
                "the epoch of this log, with the parameters whose hash it names",
                sequence,
            )

    def _check_head(self, head: tuple[int, bytes]) -> None:
        if head != (self._sequence, self._previous):
            self.findings.add(
                Code.HEAD_DIFFERS,
                f"the guard let in {head[0]} leaves and waits for one after "
                f"{head[1].hex()}; the table ends with leaf {self._sequence - 1} and "
                f"{self._previous.hex()}",
                table=HEADS,
                sequence=self._sequence,
            )

    def _add(self, code: str, detail: str, sequence: int) -> None:
        self.findings.add(code, detail, table=RECORDS, sequence=sequence)
