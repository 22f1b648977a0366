"""Lies of a superuser of the database, one test per lie, seen beside the topics and alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.log.chain import entry_hash
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.log.note import parse_note
from aegis_streams.fsck.task import BLIND
from aegis_streams.names import AUDIT, CHECKPOINTS
from support.audit_rows import insert, insert_checkpoint
from support.forgery import codes, first, rechained, rewritten

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.fsck import Report
    from support.database import TestDatabase
    from support.forgery import Forger, Snapshot

pytestmark = pytest.mark.stack

VICTIM = 3
RECORDS = "aegis.audit_records"


class Auditor:
    """Somebody with read access who runs the judge, beside the topics or on the database alone."""

    def __init__(self, forger: Forger, database: TestDatabase, *, alone: bool) -> None:
        self.forger, self.database, self.alone = forger, database, alone

    @property
    def real(self) -> Snapshot:
        """What was really written."""
        return self.forger.real

    def judge(self, since: list[bytes] | None = None) -> Report:
        """Judge the database."""
        bootstrap = None if self.alone else self.real.bootstrap
        url = self.database.auditor_url
        return self.forger.judge(since=since or [], database=url, bootstrap=bootstrap)

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """Connect with the rights to do anything, and the triggers out of the way."""
        with self.database.admin() as connection:
            connection.execute("set session_replication_role = replica")
            yield connection


@pytest.fixture(params=["beside the topics", "alone"])
def auditor(request: pytest.FixtureRequest, forger: Forger, database: TestDatabase) -> Auditor:
    """The database filled with the truth."""
    real = forger.real
    with database.sink() as sink:
        insert(sink, real.entries())
        for record in real.records[CHECKPOINTS]:
            found = real.checkpoint(record)
            insert_checkpoint(sink, found.log, found.size, found.note, keep=found.keep)
    return Auditor(forger, database, alone=request.param == "alone")


def test_the_truth_is_believed(auditor: Auditor, since: list[bytes]) -> None:
    report = auditor.judge(since)
    assert (codes(report), report.could_not, report.exit_code) == (set(), [], 0)
    assert report.logs[0].figures["rows"] == len(auditor.real.records[AUDIT])
    assert report.logs[0].figures["stored checkpoints"] == len(auditor.real.records[CHECKPOINTS])


def test_a_byte_changed(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        admin.execute(
            "update aegis.audit_records set body = set_byte(body, 40, 255) where sequence = %s",
            [VICTIM],
        )
    report = auditor.judge(since)
    expected = "leaf_hash" if auditor.alone else "row_differs"
    assert expected in codes(report)
    assert first(report, expected) == {"table": RECORDS, "sequence": VICTIM}


def test_a_copy_changed(auditor: Auditor) -> None:
    with auditor.superuser() as admin:
        admin.execute(
            "update aegis.audit_records set status = 'escalate' where sequence = %s", [VICTIM]
        )
    report = auditor.judge()
    assert codes(report) == {"copy_differs" if auditor.alone else "row_differs"}


def test_a_row_removed(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        admin.execute("delete from aegis.audit_records where sequence = %s", [VICTIM])
    report = auditor.judge(since)
    if auditor.alone:
        assert "sequence_gap" in codes(report)
    else:
        assert codes(report) == {"row_missing"}
        assert first(report, "row_missing") == {"table": RECORDS, "sequence": VICTIM}


def test_a_row_inserted(auditor: Auditor, since: list[bytes]) -> None:
    """At the end, since every other place is taken; the guard's head moved along."""
    last = auditor.real.entries()[-1]
    body = auditor.real.entries()[VICTIM].body
    leaf = leaf_hash(body)
    link = entry_hash(last.entry_hash, leaf)
    made = last._replace(
        sequence=last.sequence + 1,
        previous_hash=last.entry_hash,
        body=body,
        leaf_hash=leaf,
        entry_hash=link,
    )
    with auditor.superuser() as admin:
        insert(admin, [made])
        admin.execute(
            "update aegis.audit_heads set next_sequence = %s, entry_hash = %s",
            [made.sequence + 1, link],
        )
    report = auditor.judge(since)
    assert ("leaf_order" if auditor.alone else "row_invented") in codes(report)


def test_rows_swapped(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        for sequence, other in ((VICTIM, -1), (VICTIM + 1, VICTIM), (-1, VICTIM + 1)):
            admin.execute(
                "update aegis.audit_records set sequence = %s where sequence = %s",
                [other, sequence],
            )
    report = auditor.judge(since)
    assert ("chain_broken" if auditor.alone else "row_differs") in codes(report)


def cut(admin: psycopg.Connection, entries: list[AuditEntry], size: int) -> None:
    """Remove rows, checkpoints and the guard's memory of everything from a size on."""
    admin.execute("delete from aegis.audit_records where sequence >= %s", [size])
    admin.execute("delete from aegis.checkpoints where size > %s", [size])
    admin.execute(
        "update aegis.audit_heads set next_sequence = %s, entry_hash = %s",
        [size, entries[size - 1].entry_hash],
    )


def test_the_tail_cut_everywhere(auditor: Auditor, since: list[bytes]) -> None:
    """The database alone cannot tell a cut from a sink that is behind, and says what it lacks."""
    entries = auditor.real.entries()
    with auditor.superuser() as admin:
        cut(admin, entries, VICTIM)
    report = auditor.judge(since)
    (log,) = report.logs
    if since and auditor.alone:
        assert codes(report) == {"tail_cut"}
    elif auditor.alone:
        assert codes(report) == set()
        assert BLIND in log.told
    else:
        assert log.figures["rows on their way"] == len(entries) - VICTIM


def test_the_tail_cut_and_the_guard_remembers(auditor: Auditor) -> None:
    with auditor.superuser() as admin:
        admin.execute("delete from aegis.audit_records where sequence >= %s", [VICTIM])
    assert "head_differs" in codes(auditor.judge())


def test_a_checkpoint_replaced_by_an_older_one(auditor: Auditor) -> None:
    with auditor.superuser() as admin:
        admin.execute(
            "update aegis.checkpoints c set note = (select note from aegis.checkpoints "
            "order by size limit 1) where size = (select max(size) from aegis.checkpoints)"
        )
    assert "copy_differs" in codes(auditor.judge())


def test_a_kept_checkpoint_removed(auditor: Auditor) -> None:
    """Only the topic shows it, while it still has it."""
    with auditor.superuser() as admin:
        admin.execute(
            "delete from aegis.checkpoints where size = (select min(size) from aegis.checkpoints)"
        )
    assert codes(auditor.judge()) == (set() if auditor.alone else {"kept_missing"})


def test_the_chain_recomputed_after_a_change(auditor: Auditor, since: list[bytes]) -> None:
    """Every hash in the database fits; only nobody signed it."""
    entries = auditor.real.entries()
    entries[VICTIM] = rewritten(entries[VICTIM], confidence=0.123)
    forged = rechained(entries)
    with auditor.superuser() as admin:
        admin.execute("delete from aegis.audit_records")
        insert(admin, forged)
        admin.execute("update aegis.audit_heads set entry_hash = %s", [forged[-1].entry_hash])
    report = auditor.judge(since)
    if auditor.alone:
        assert codes(report) == {"tree_root"}
        size = Checkpoint.parse(parse_note(auditor.real.retained).text).size
        assert first(report, "tree_root")["sequence"] < size
    else:
        assert "row_differs" in codes(report)
        assert first(report, "row_differs")["sequence"] == VICTIM


def retire(admin: psycopg.Connection, below: int) -> None:
    """Do to the rows before a sequence what retention does to an old partition."""
    admin.execute(
        "insert into aegis.audit_retired (log, sequence, leaf_hash) "
        "select log, sequence, leaf_hash from aegis.audit_records where sequence < %s",
        [below],
    )
    admin.execute("delete from aegis.audit_records where sequence < %s", [below])


def test_retired_leaves_are_believed_by_their_hashes(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        retire(admin, VICTIM + 1)
    report = auditor.judge(since)
    assert (codes(report), report.could_not, report.exit_code) == (set(), [], 0)
    assert report.logs[0].figures["retired rows"] == VICTIM + 1


def test_the_hash_of_a_retired_leaf_changed(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        retire(admin, VICTIM + 1)
        admin.execute(
            "update aegis.audit_retired set leaf_hash = %s where sequence = %s",
            [bytes(32), VICTIM],
        )
    report = auditor.judge(since)
    expected, where = ("chain_broken", VICTIM + 1) if auditor.alone else ("row_differs", VICTIM)
    assert expected in codes(report)
    assert first(report, expected) == {"table": RECORDS, "sequence": where}
    assert ("tree_root" in codes(report)) == auditor.alone


def test_what_the_guard_refused_is_told(auditor: Auditor) -> None:
    forged = rewritten(auditor.real.entries()[VICTIM], confidence=0.5)
    with auditor.database.sink() as sink:
        insert(sink, [forged])
    report = auditor.judge()
    assert codes(report) == {"quarantine"}
    assert first(report, "quarantine")["sequence"] == VICTIM


def test_a_database_that_does_not_answer_is_no_finding(auditor: Auditor) -> None:
    with auditor.database.admin() as admin:
        admin.execute("alter role aegis_auditor connection limit 0")
    try:
        report = auditor.judge()
    finally:
        with auditor.database.admin() as admin:
            admin.execute("alter role aegis_auditor connection limit -1")
    assert (codes(report), report.exit_code) == (set(), 2)
    assert "database" in report.logs[0].could_not[0]
