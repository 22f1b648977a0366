"""Lies of a superuser of the database, one test per lie, seen beside the topics and alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_codecs.keys import generate_log_keys
from aegis_codecs.log.chain import entry_hash
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.log.note import parse_note
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_codecs.trust_file import parse_trust, render_trust
from aegis_streams.fsck.task import BLIND
from aegis_streams.names import AUDIT, CHECKPOINTS
from support.audit_rows import insert
from support.auditor import Auditor
from support.database import fresh_database
from support.forgery import codes, first, rechained, rewritten

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from aegis_codecs.keys import LogKeys
    from aegis_codecs.records.audit import AuditEntry

pytestmark = pytest.mark.stack

VICTIM = 3
RECORDS = "aegis.audit_records"


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


def test_a_copy_changed(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        admin.execute(
            "update aegis.audit_records set status = 'escalate' where sequence = %s", [VICTIM]
        )
    report = auditor.judge(since)
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
    if auditor.alone:
        assert codes(report) == ({"tail_cut"} if since else set())
        assert (BLIND in log.told) == (not since)
    else:
        assert codes(report) == set()
        assert log.figures["rows on their way"] == len(entries) - VICTIM


def test_the_tail_cut_after_it_was_delivered(auditor: Auditor, since: list[bytes]) -> None:
    """What the sink committed on Kafka must be there, however little the database remembers."""
    with auditor.superuser() as admin:
        cut(admin, auditor.real.entries(), VICTIM)
    report = auditor.judge(since, delivered=True)
    if auditor.alone:
        assert codes(report) == ({"tail_cut"} if since else set())
        return
    assert "row_missing" in codes(report)
    assert first(report, "row_missing") == {"table": RECORDS, "sequence": VICTIM}
    assert report.logs[0].figures["rows on their way"] == 0


def test_the_tail_cut_and_the_guard_remembers(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        admin.execute("delete from aegis.audit_records where sequence >= %s", [VICTIM])
    assert "head_differs" in codes(auditor.judge(since))


def test_the_guard_sent_back(auditor: Auditor, since: list[bytes]) -> None:
    """It would refuse the true continuation as another history."""
    link = auditor.real.entries()[VICTIM].entry_hash
    with auditor.superuser() as admin:
        admin.execute(
            "update aegis.audit_heads set next_sequence = %s, entry_hash = %s", [VICTIM + 1, link]
        )
    assert codes(auditor.judge(since)) == {"head_differs"}


def test_a_checkpoint_replaced_by_an_older_one(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        admin.execute(
            "update aegis.checkpoints c set note = (select note from aegis.checkpoints "
            "order by size limit 1) where size = (select max(size) from aegis.checkpoints)"
        )
    assert "copy_differs" in codes(auditor.judge(since))


def test_a_kept_checkpoint_removed(auditor: Auditor, since: list[bytes]) -> None:
    """Only the topic shows it, while it still has it."""
    with auditor.superuser() as admin:
        admin.execute(
            "delete from aegis.checkpoints where size = (select min(size) from aegis.checkpoints)"
        )
    assert codes(auditor.judge(since)) == (set() if auditor.alone else {"kept_missing"})


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


def test_two_histories_for_two_readers(auditor: Auditor, since: list[bytes]) -> None:
    """The owner of the keys keeps a database for somebody else, whole and signed."""
    real = auditor.real
    entries = real.entries()
    entries[VICTIM] = rewritten(entries[VICTIM], confidence=0.123)
    forged = rechained(entries)
    with fresh_database(auditor.database.server) as second:
        other = Auditor(auditor.forger, second, alone=auditor.alone)
        other.fill(forged, real.sealed(forged)[CHECKPOINTS])
        report = other.judge(since)
        (log,) = report.logs
        if not auditor.alone:
            assert codes(report) >= {"row_differs", "history_forked", "tree_root"}
            assert first(report, "row_differs")["sequence"] == VICTIM
            return
        assert codes(report) == ({"tree_root"} if since else set())
        assert (BLIND in log.told) == (not since)
        if since:
            assert first(report, "tree_root")["file"] == "kept-0"
        theirs, mine = log.newest, auditor.judge(since).logs[0].newest
        for reader, note in ((auditor, theirs), (other, mine)):
            compared = reader.judge([note])
            assert codes(compared) == {"tree_root", "history_forked"}
            assert first(compared, "tree_root")["file"] == "kept-0"


def resigned(auditor: Auditor, keys: LogKeys) -> None:
    """Put other signatures below every checkpoint of the table."""
    signer = keys.checkpoint_signer(auditor.real.log)
    with auditor.superuser() as admin:
        for size, note in admin.execute("select size, note from aegis.checkpoints").fetchall():
            made = signer.seal(Checkpoint.parse(parse_note(note).text))
            admin.execute(
                "update aegis.checkpoints set note = %s, note_sha256 = sha256(%s) where size = %s",
                [made, made, size],
            )


def test_the_keys_swapped(auditor: Auditor, tmp_path: Path, since: list[bytes]) -> None:
    resigned(auditor, generate_log_keys(tmp_path / "keys"))
    report = auditor.judge(since)
    assert "signature_missing" in codes(report)
    assert first(report, "signature_missing")["table"] == "aegis.checkpoints"


def test_the_keys_swapped_and_the_trust_file_too(
    auditor: Auditor, tmp_path: Path, since: list[bytes]
) -> None:
    """Whoever lets the data's owner choose whom to believe believes it; the past objects."""
    keys = generate_log_keys(tmp_path / "keys")
    resigned(auditor, keys)
    (epoch,) = parse_trust(auditor.real.trust).epochs
    trust = TrustPolicy([Epoch(epoch.deployment, epoch.region, 1, 1, keys.public_keys())])
    report = auditor.judge(since, trust=render_trust(trust))
    if auditor.alone and not since:
        assert codes(report) == set()
        assert BLIND in report.logs[0].told
    else:
        assert "signature_missing" in codes(report)


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
