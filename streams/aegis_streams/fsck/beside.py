"""The database beside the topics: its checkpoints, its guard, and rows against leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.fsck.checkpoints import Newest
from aegis_streams.fsck.claims import DATABASE, TOPIC, Claim, Claims
from aegis_streams.fsck.database import CHECKPOINTS, QUARANTINES, Database
from aegis_streams.fsck.errors import CannotCheckError, DistrustError
from aegis_streams.fsck.findings import Code, Findings
from aegis_streams.fsck.kept import Kept
from aegis_streams.fsck.rows import Rows
from aegis_streams.fsck.tables import check_tables
from aegis_streams.fsck.trust import Trust

if TYPE_CHECKING:
    from aegis_streams.fsck.kafka import Cluster
    from aegis_streams.fsck.task import Task
    from aegis_streams.fsck.trust import Signatures


class Beside:
    """What the database holds about one log, as of one moment.

    Args:
        task: Names log and database.
        kafka: Knows how far the sink came: what it delivered before that moment must be there.

    Attributes:
        told: What is no finding and worth knowing, known after `finish`.

    Raises:
        CannotCheckError: Kafka or the database does not answer.
    """

    def __init__(self, task: Task, kafka: Cluster) -> None:
        self._log, self._partition = task.log, task.partition
        self._others = None if task.partition else tuple(Trust(task.trust).logs)
        self.told: list[str] = []
        source = task.source
        topics = {"sink": source.topics.audit, "sink-checkpoints": source.topics.checkpoints}
        self._delivered = [
            (
                kafka.committed(source.groups[name], topic, task.partition)
                if name in source.groups
                else None
            )
            for name, topic in topics.items()
        ]
        if source.database is None:
            raise CannotCheckError("no database is named")
        self._base = Database(source.database)
        self._rows: Rows | None = None
        self._kept: Kept | None = None

    def take(self, signatures: Signatures, claims: Claims, findings: Findings) -> int:
        """Keep what the checkpoints claim; return how many there are."""
        count, _ = take_stored(self._log, self._base, signatures, claims, findings)
        self._kept = Kept(claims, findings)
        return count

    def rows(self, start: tuple[int, bytes], findings: Findings) -> Rows:
        """Open the rows from a leaf on.

        Args:
            start: Its sequence, and the entry hash of the leaf before it.
            findings: Takes what is wrong.
        """
        rows = self._base.rows(self._log, start[0])
        if self._kept is not None:
            rows = self._kept.watch(rows, start[0])
        self._rows = Rows(rows, self._delivered[0], findings, start)
        return self._rows

    def finish(self, claims: Claims, findings: Findings) -> dict[str, int]:
        """Report what is left over, and return how much was compared."""
        found = check_guard(self._log, self._partition, self._base, findings)
        waiting = check_kept(claims, self._delivered[1], findings)
        found["stored checkpoints on their way"] = waiting
        if self._kept is not None:
            found |= self._kept.figures()
        if self._rows is not None:
            self._rows.finish(self._base.head(self._log))
            found["rows"] = self._rows.matched
            found["retired rows"] = self._rows.retired
            found["rows on their way"] = self._rows.behind
        self.told += check_tables(self._log, self._base, self._others, findings)
        return found

    def close(self) -> None:
        """Give the snapshot up."""
        self._base.close()


def take_stored(
    log: str, base: Database, signatures: Signatures, claims: Claims, findings: Findings
) -> tuple[int, Newest]:
    """Check the checkpoints in the database and keep what they claim.

    Returns:
        How many there are, and the newest.
    """
    count, newest = 0, Newest(0, b"")
    for size, note, keep in base.notes(log):
        count += 1
        try:
            head = signatures.check(note)
        except DistrustError as error:
            findings.add(
                error.code, f"checkpoint of {size} leaves: {error}", table=CHECKPOINTS, size=size
            )
            continue
        if (head.origin, head.size) != (log, size):
            findings.add(
                Code.COPY_DIFFERS,
                f"the row says {size} leaves of {log}, its note {head.size} of {head.origin}",
                table=CHECKPOINTS,
                size=size,
            )
            continue
        claims.add(Claim(size, head.root, DATABASE, CHECKPOINTS, keep))
        newest = max(newest, Newest(size, note), key=lambda each: each.size)
    return count, newest


def check_guard(log: str, partition: int, base: Database, findings: Findings) -> dict[str, int]:
    """Report what the guards refused; return how much of it was stored later as it was."""
    resolved = 0
    for table in QUARANTINES:
        refused = base.refused(table, log, nameless=partition == 0)
        for number, sequence, reason, stored in refused:
            if stored:
                resolved += 1
                continue
            findings.add(
                Code.QUARANTINE,
                f"number {number}, about leaf {sequence}: {reason}",
                table=table,
                sequence=sequence,
            )
    return {"refused at first and stored later": resolved}


def check_kept(claims: Claims, delivered: int | None, findings: Findings) -> int:
    """Report checkpoints to be kept that the database lacks; return how many are on their way.

    Args:
        claims: Of the topic and of the database.
        delivered: Up to which offset (exclusive) the sink wrote checkpoints; None if unknown.
        findings: Takes what is wrong.
    """
    newest, waiting = claims.span(DATABASE)[1], 0
    for claim in claims.kept_only_by(TOPIC, DATABASE):
        known = int(claim.place) < delivered if delivered is not None else claim.size <= newest
        if not known:
            waiting += 1
            continue
        findings.add(
            Code.KEPT_MISSING,
            f"the checkpoint of {claim.size} leaves is to be kept; it is not there, or not "
            "marked so",
            table=CHECKPOINTS,
            size=claim.size,
        )
    return waiting
