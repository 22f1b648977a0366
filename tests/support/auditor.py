"""Somebody with read access to the audit database, and the superuser who lies to them."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from aegis_streams.names import AUDIT, CHECKPOINTS
from support.audit_rows import insert, insert_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.fsck import Report
    from support.database import TestDatabase
    from support.forgery import Forger, Rec, Snapshot

_groups = count(1)


class Auditor:
    """Runs the judge, beside the topics or on the database alone.

    Args:
        forger: Holds the topics, which are true.
        database: What is judged.
        alone: Whether the topics are left out.
    """

    def __init__(self, forger: Forger, database: TestDatabase, *, alone: bool) -> None:
        self.forger, self.database, self.alone = forger, database, alone

    @property
    def real(self) -> Snapshot:
        """What was really written."""
        return self.forger.real

    def fill(self, entries: Sequence[AuditEntry], checkpoints: Sequence[Rec]) -> None:
        """Write leaves and checkpoints as the sink does."""
        with self.database.sink() as sink:
            insert(sink, entries)
            for record in checkpoints:
                found = self.real.checkpoint(record)
                insert_checkpoint(sink, found.log, found.size, found.note, keep=found.keep)

    def judge(
        self, since: Sequence[bytes] = (), *, trust: bytes | None = None, delivered: bool = False
    ) -> Report:
        """Judge the database.

        Args:
            since: Checkpoints from earlier.
            trust: Another trust file than the true one.
            delivered: The groups of the sink committed the ends of their topics.
        """
        return self.forger.judge(
            since=since,
            trust=trust,
            database=self.database.auditor_url,
            bootstrap=None if self.alone else self.real.bootstrap,
            groups=self._delivered() if delivered else {},
        )

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """Connect with the rights to do anything, and the triggers out of the way."""
        with self.database.admin() as connection:
            connection.execute("set session_replication_role = replica")
            yield connection

    def _delivered(self) -> dict[str, str]:
        """Return groups that stand at the ends of the topics the sink reads, by their task."""
        groups = {}
        for task, topic in (("sink", AUDIT), ("sink-checkpoints", CHECKPOINTS)):
            groups[task] = f"sink-{next(_groups)}"
            self.forger.commit(groups[task], topic, len(self.real.records[topic]))
        return groups
