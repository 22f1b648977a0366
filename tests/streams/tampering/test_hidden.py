"""Lies of a superuser outside the rows of a log: what was hidden, put beside it, or set to null."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg.sql import SQL, Identifier

from aegis_codecs.records import bodies, schemas
from aegis_streams.fsck import CannotCheckError
from aegis_streams.fsck.database import Database
from aegis_streams.names import AUDIT
from support.forgery import codes, first
from support.retirement import retire

if TYPE_CHECKING:
    import psycopg

    from support.auditor import Auditor
    from support.database import TestDatabase

pytestmark = pytest.mark.stack

VICTIM = 3
ELSEWHERE = "aegis/elsewhere/1/0"
RECORDS = "aegis.audit_records"
RETIRED = "aegis.audit_retired"
SCHEMAS = "aegis.body_schemas"


def retire_by_hand(admin: psycopg.Connection, sequence: int) -> None:
    """Move one row to the hashes of retired ones."""
    admin.execute(
        "insert into aegis.audit_retired (log, sequence, leaf_hash) "
        "select log, sequence, leaf_hash from aegis.audit_records where sequence = %s",
        [sequence],
    )
    admin.execute("delete from aegis.audit_records where sequence = %s", [sequence])


def test_retired_leaves_are_believed_by_their_hashes(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        retire(admin, VICTIM + 1)
    report = auditor.judge(since)
    assert (codes(report), report.could_not, report.exit_code) == (set(), [], 0)
    (log,) = report.logs
    assert log.figures["retired rows"] == VICTIM + 1
    assert log.figures["rows"] == len(auditor.real.records[AUDIT])
    assert any(told.startswith("4 leaves from 0 to 3 are retired") for told in log.told)


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


def test_a_row_retired_by_hand(auditor: Auditor, since: list[bytes]) -> None:
    """Its text is gone and every hash fits; only its partition is still there."""
    with auditor.superuser() as admin:
        retire_by_hand(admin, VICTIM)
    report = auditor.judge(since)
    assert codes(report) == {"removed_early"}
    assert first(report, "removed_early") == {"table": RETIRED, "sequence": VICTIM}


def test_leaves_retired_without_a_checkpoint_that_is_kept(
    auditor: Auditor, since: list[bytes]
) -> None:
    with auditor.superuser() as admin:
        retire(admin, VICTIM + 1)
        admin.execute("update aegis.checkpoints set keep = false")
    report = auditor.judge(since)
    assert "removed_early" in codes(report)
    assert first(report, "removed_early") == {"table": RETIRED, "sequence": VICTIM}


@pytest.mark.parametrize(
    ("column", "value", "alone"),
    [
        ("body", "null", "row_differs"),
        ("previous_hash", "null", "chain_broken"),
        ("leaf_hash", "null", "leaf_hash"),
        ("entry_hash", "null", "chain_broken"),
        ("kind", "null", "copy_differs"),
        ("time", "null", "copy_differs"),
        ("time", "'infinity'", "copy_differs"),
        ("time", "time + interval '1 microsecond'", "copy_differs"),
    ],
)
def test_a_value_that_no_row_can_have(
    auditor: Auditor, since: list[bytes], column: str, value: str, alone: str
) -> None:
    with auditor.superuser() as admin:
        admin.execute(
            SQL("alter table aegis.audit_records alter column {} drop not null").format(
                Identifier(column)
            )
        )
        admin.execute(
            SQL("update aegis.audit_records set {} = {} where sequence = %s").format(
                Identifier(column), SQL(value)
            ),
            [VICTIM],
        )
    report = auditor.judge(since)
    expected = alone if auditor.alone else "row_differs"
    assert (report.logs[0].could_not, report.exit_code) == ([], 1)
    assert first(report, expected)["sequence"] == VICTIM
    assert report.logs[0].figures.get("retired rows", 0) == 0


def test_the_parameters_of_the_opening_leaf_changed(auditor: Auditor, since: list[bytes]) -> None:
    """They are no JSON any more; the rows after them are judged all the same."""
    opening = auditor.real.entries()[0].body
    place = opening.index(bodies.decode(opening).fields["parameters"])
    with auditor.superuser() as admin:
        admin.execute(
            "update aegis.audit_records set body = set_byte(body, %s, 255) where sequence = 0",
            [place],
        )
    report = auditor.judge(since)
    assert report.logs[0].could_not == []
    assert codes(report) >= ({"leaf_hash", "genesis"} if auditor.alone else {"row_differs"})
    assert report.logs[0].figures["rows"] == len(auditor.real.records[AUDIT])


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (RECORDS, "sequence, previous_hash, leaf_hash, entry_hash, body, kind, time"),
        ("aegis.audit_heads", "next_sequence, entry_hash"),
        ("aegis.checkpoints", "size, note, keep, root, note_sha256"),
    ],
)
def test_rows_under_the_name_of_another_log(
    auditor: Auditor, since: list[bytes], table: str, columns: str
) -> None:
    """The views show them like any other; no judge of a log of ours would read them."""
    with auditor.superuser() as admin:
        copy = f"insert into {table} (log, {columns}) select %s, {columns} from {table}"  # noqa: S608  # names from above
        admin.execute(copy.encode(), [ELSEWHERE])
    report = auditor.judge(since)
    assert codes(report) == {"origin_unknown"}
    assert first(report, "origin_unknown") == {"table": table}


def test_hashes_retired_under_the_name_of_another_log(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        admin.execute("insert into aegis.audit_retired values (%s, 0, '')", [ELSEWHERE])
    report = auditor.judge(since)
    assert codes(report) == {"origin_unknown"}
    assert first(report, "origin_unknown") == {"table": RETIRED}


@pytest.mark.parametrize("table", ["audit_quarantine", "checkpoint_quarantine"])
def test_what_the_guard_refused_of_another_log(
    auditor: Auditor, since: list[bytes], table: str
) -> None:
    with auditor.superuser() as admin:
        put = SQL("insert into aegis.{} (log, reason, digest) values (%s, 'hash', '')")
        admin.execute(put.format(Identifier(table)), [ELSEWHERE])
    report = auditor.judge(since)
    assert codes(report) == {"quarantine"}
    assert first(report, "quarantine")["table"] == f"aegis.{table}"


def test_rows_before_the_first_leaf(auditor: Auditor, since: list[bytes]) -> None:
    with auditor.superuser() as admin:
        insert_again(admin, "log", "-1 - sequence")
    report = auditor.judge(since)
    expected = "sequence_repeated" if auditor.alone else "row_invented"
    assert codes(report) == {expected}
    assert first(report, expected) == {"table": RECORDS, "sequence": -1 - VICTIM}


@pytest.mark.parametrize(("log", "sequence"), [("null", "sequence"), ("log", "null")])
def test_rows_of_no_log_and_of_no_place(
    auditor: Auditor, since: list[bytes], log: str, sequence: str
) -> None:
    with auditor.superuser() as admin:
        admin.execute("alter table aegis.audit_records drop constraint audit_records_pkey")
        for column in ("log", "sequence"):
            drop = SQL("alter table aegis.audit_records alter column {} drop not null")
            admin.execute(drop.format(Identifier(column)))
        insert_again(admin, log, sequence)
    report = auditor.judge(since)
    assert codes(report) == {"row_invented"}
    assert first(report, "row_invented") == {"table": RECORDS}


def insert_again(admin: psycopg.Connection, log: str, sequence: str) -> None:
    """Copy a row to another place."""
    columns = "previous_hash, leaf_hash, entry_hash, body, kind, time"
    copy = (
        f"insert into aegis.audit_records (log, sequence, {columns}) "  # noqa: S608  # of a test
        f"select {log}, {sequence}, {columns} from aegis.audit_records where sequence = %s"
    )
    admin.execute(copy.encode(), [VICTIM])


SWAP = """
update aegis.body_schemas set type = replace(replace(replace(type::text,
  '"proceed"', '"?"'), '"halt"', '"proceed"'), '"?"', '"halt"')::jsonb
where name = 'DecisionMade'"""


AWAY = """
alter table aegis.audit_heads rename to away;
create view aegis.audit_heads as
  select log, 1 / (next_sequence - next_sequence) as next_sequence, entry_hash from aegis.away;
grant select on aegis.audit_heads to aegis_auditor"""


def statuses(auditor: Auditor) -> list[str]:
    with auditor.database.auditor() as reader:
        rows = reader.execute("select status from aegis.decisions order by sequence")
        return [status for (status,) in rows]


def test_the_schema_of_the_views_swapped(auditor: Auditor, since: list[bytes]) -> None:
    """No byte of a leaf is touched, and every halt reads as a permission."""
    other = {"proceed": "halt", "halt": "proceed"}
    true = statuses(auditor)
    with auditor.superuser() as admin:
        admin.execute(SWAP)
    assert statuses(auditor) == [other.get(each, each) for each in true] != true
    report = auditor.judge(since)
    assert codes(report) == {"schema_swapped"}
    mark = bodies.prefix("DecisionMade")[2:].hex()
    assert first(report, "schema_swapped") == {"table": SCHEMAS, "fingerprint": mark}


@pytest.mark.parametrize(
    "lie",
    [
        "delete from aegis.body_schemas where name = 'DecisionMade'",
        "update aegis.body_schemas set name = 'InputRejected' where name = 'DecisionMade'",
        "insert into aegis.body_schemas values ('', 'DecisionMade', '\"null\"')",
    ],
)
def test_a_schema_of_the_views_missing_renamed_or_added(
    auditor: Auditor, since: list[bytes], lie: str
) -> None:
    assert "DecisionMade" in schemas.BODIES
    with auditor.superuser() as admin:
        admin.execute(lie.encode())
    assert codes(auditor.judge(since)) == {"schema_swapped"}


@pytest.mark.parametrize(
    ("lie", "advice"),
    [
        ("revoke select on aegis.audit_heads from aegis_auditor", "this role lacks a right"),
        ("alter table aegis.audit_heads rename to away", "`aegis database prepare` makes it"),
        (AWAY, "a value was changed so that it cannot be read"),
    ],
)
def test_a_question_that_fails_is_told_from_a_database_that_is_away(
    auditor: Auditor, lie: str, advice: str
) -> None:
    with auditor.superuser() as admin:
        admin.execute(lie.encode())
    report = auditor.judge()
    (why,) = report.logs[0].could_not
    assert "the database does not give its " in why
    assert advice in why
    assert (codes(report), report.exit_code) == (set(), 2)


def test_a_connection_that_breaks_is_told_from_a_question_that_fails(
    database: TestDatabase,
) -> None:
    base = Database(database.auditor_url)
    base.head("aegis/local/1/0")
    with database.admin() as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'aegis-fsck' and datname = current_database()"
        )
    with pytest.raises(CannotCheckError, match="does not answer any more"):
        base.head("aegis/local/1/0")
    base.close()
