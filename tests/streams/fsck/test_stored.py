"""A database beside the topics and alone: what its guard refused, and what it is to keep."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.records import audit
from aegis_codecs.records.wire import HEADER_SIZE
from aegis_streams.fsck import Source
from aegis_streams.fsck.beside import check_guard
from aegis_streams.fsck.database import Database
from aegis_streams.fsck.findings import Findings
from aegis_streams.fsck.notes import read_note
from aegis_streams.fsck.store import StoreJudge
from support.audit_rows import insert, insert_checkpoint, rehashed
from support.deciding import LOG, PARTITION
from support.memory_log import TOPICS, MemoryLog, memory_log, sample_values
from support.retirement import retire

if TYPE_CHECKING:
    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.fsck.task import Judged
    from support.database import TestDatabase

STORED = "refused at first and stored later"


class Audited:
    """A log of 21 leaves and its database, judged beside the topics or alone."""

    def __init__(self, database: TestDatabase, *, alone: bool) -> None:
        self.database, self.alone = database, alone
        self.log: MemoryLog = memory_log(sample_values(20))
        decode = audit.codec().decode
        values = [record[3] or b"" for record in self.log.records[TOPICS.audit]]
        self.entries: list[AuditEntry] = [decode(value[HEADER_SIZE:]) for value in values]

    def fill(self, *entries: AuditEntry) -> None:
        """Offer leaves, as the connector does."""
        with self.database.sink() as sink:
            insert(sink, entries)

    def checkpoints(self) -> None:
        """Offer every checkpoint."""
        with self.database.sink() as sink:
            for note in self.log.notes:
                insert_checkpoint(sink, LOG, read_note(note).size, note)

    def judge(self, *, keep: bool = False) -> Judged:
        """Judge everything."""
        url = self.database.auditor_url
        if not self.alone:
            return self.log.judge(database=url, keep=keep)
        task = replace(self.log.task(), source=Source(None, database=url))
        judge = StoreJudge(task, lambda *_: None)
        try:
            return judge.judge()
        finally:
            judge.close()

    def as_superuser(self, statement: str) -> None:
        """Do something with the triggers switched off."""
        with self.database.admin() as admin:
            admin.execute("set session_replication_role = replica")
            admin.execute(statement)

    def retire(self, below: int) -> None:
        """Retire the leaves before a sequence."""
        with self.database.admin() as admin:
            admin.execute("set session_replication_role = replica")
            retire(admin, below)


@pytest.fixture(params=["beside the topics", "alone"])
def audited(request: pytest.FixtureRequest, database: TestDatabase) -> Audited:
    return Audited(database, alone=request.param == "alone")


def codes(found: Judged) -> list[tuple[str, int]]:
    return [(str(each.code), each.count) for each in found.findings]


def test_a_leaf_that_was_missing_and_came_is_no_finding_for_good(audited: Audited) -> None:
    entries = audited.entries
    audited.fill(*entries[:5], *entries[6:])
    audited.checkpoints()
    found = audited.judge()
    assert ("quarantine", 15) in codes(found)
    audited.fill(*entries)
    found = audited.judge(keep=True)
    assert codes(found) == []
    assert found.figures[STORED] == 15
    assert audited.alone or found.position is not None, "a later run goes on from here"


def test_it_stays_no_finding_when_the_leaf_is_retired(audited: Audited) -> None:
    entries = audited.entries
    audited.fill(*entries[:5], *entries[6:])
    audited.fill(*entries)
    audited.checkpoints()
    audited.retire(10)
    found = audited.judge()
    assert codes(found) == []
    assert found.figures[STORED] == 15


def test_what_differs_from_the_leaf_in_its_place_stays_a_finding(audited: Audited) -> None:
    entries = audited.entries
    audited.fill(*entries)
    audited.checkpoints()
    audited.fill(rehashed(entries[7], entries[8].body), entries[9]._replace(status="proceed?"))
    audited.fill(entries[20]._replace(sequence=40))
    found = audited.judge()
    assert codes(found) == [("quarantine", 3)]
    assert found.findings[0].where["sequence"] == 7
    assert found.figures[STORED] == 0


def test_a_kept_checkpoint_that_is_marked_otherwise_is_missing(audited: Audited) -> None:
    audited.fill(*audited.entries)
    audited.checkpoints()
    assert codes(audited.judge()) == []
    audited.as_superuser("update aegis.checkpoints set keep = false where size = 4")
    found = audited.judge()
    assert found.findings[0].where["size"] == 4
    expected = 1 if audited.alone else 2  # the topic says so, and the rows do
    assert codes(found) == [("kept_missing", expected)]


def test_the_distance_of_kept_checkpoints_is_told(audited: Audited) -> None:
    audited.fill(*audited.entries)
    audited.checkpoints()
    audited.as_superuser("delete from aegis.checkpoints where size < 12")
    figures = audited.judge().figures
    assert figures["leaves at most from one kept checkpoint to the next"] == 12


def test_two_roots_for_a_size_are_judged_by_their_signatures(audited: Audited) -> None:
    """The false one comes first, and keeps the true one out no longer."""
    audited.fill(*audited.entries)
    false = f"{LOG}\n8\n{'A' * 43}=\n\n— {LOG} AAAAAAA=\n".encode()
    with audited.database.sink() as sink:
        insert_checkpoint(sink, LOG, 8, false)
    audited.checkpoints()
    found = audited.judge()
    assert set(codes(found)) == {("signature_missing", 1), ("quarantine", 1)}
    assert found.figures["stored checkpoints"] == len(audited.log.notes) + 1


def test_a_long_quarantine_takes_no_memory(database: TestDatabase) -> None:
    with database.admin() as admin:
        admin.execute(
            "insert into aegis.audit_quarantine (log, sequence, reason, digest) "
            "select %s, n, 'gap', sha256(n::text::bytea) from generate_series(1, 60000) as n",
            [LOG],
        )
    base, findings = Database(database.auditor_url), Findings(LOG)
    tracemalloc.start()
    check_guard(LOG, PARTITION, base, findings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    base.close()
    (found,) = findings.found.values()
    assert (found.count, found.where["sequence"]) == (60_000, 1)
    assert peak < 2 * 1024 * 1024
