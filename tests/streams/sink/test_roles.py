"""The sink can only insert, the auditor only read, and nobody changes what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from support.audit_rows import insert, stored
from support.entries import LOG, entries

if TYPE_CHECKING:
    from support.database import TestDatabase

TABLES = (
    "audit_records", "audit_records_rest", "audit_records_000000000000", "audit_heads",
    "audit_retired", "audit_quarantine", "checkpoints", "checkpoint_quarantine",
    "audit_partitioning", "audit_refusals",
)  # fmt: skip
CHANGES = (
    "update aegis.{} set {} = {}",
    "delete from aegis.{}",
    "truncate aegis.{}",
    "drop table aegis.{}",
    "alter table aegis.{} disable trigger all",
)
INSERT = "insert into aegis.{} default values"
COLUMN = {"audit_partitioning": "width"}


def statements(table: str) -> list[str]:
    column = COLUMN.get(table, "log")
    return [text.format(table, column, column) for text in CHANGES]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["sink", "auditor"])
def test_neither_role_changes_anything(role: str, table: str, database: TestDatabase) -> None:
    with getattr(database, role)() as connection:
        for statement in statements(table):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)


@pytest.mark.parametrize("table", TABLES)
def test_the_sink_reads_nothing(table: str, database: TestDatabase) -> None:
    with database.sink() as sink, pytest.raises(InsufficientPrivilege):
        sink.execute(f"table aegis.{table}")


def test_the_sink_inserts_into_two_tables_alone(database: TestDatabase) -> None:
    with database.auditor() as auditor:
        rows = auditor.execute(
            "select relname from pg_class where relnamespace = 'aegis'::regnamespace "
            "and has_table_privilege('aegis_sink', oid, 'insert') order by 1"
        )
        assert [name for (name,) in rows] == ["audit_records", "checkpoints"]


def test_the_auditor_reads_everything_and_writes_nowhere(database: TestDatabase) -> None:
    with database.auditor() as auditor:
        for table in TABLES:
            auditor.execute(f"table aegis.{table}")
            with pytest.raises(InsufficientPrivilege):
                auditor.execute(INSERT.format(table))


@pytest.mark.parametrize("role", ["sink", "auditor"])
def test_neither_role_calls_a_function_or_makes_anything(role: str, database: TestDatabase) -> None:
    with getattr(database, role)() as connection:
        for statement in (
            "select aegis.audit_make_partitions()",
            "select aegis.audit_add_partition(1)",
            "create table aegis.mine (x int)",
            "create table public.mine (x int)",
            "set role aegis_owner",
            "set session_replication_role = replica",
        ):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement)


@pytest.mark.parametrize("table", ["audit_records", "audit_records_000000000000"])
@pytest.mark.parametrize(
    "statement",
    ["update aegis.{} set status = 'halt'", "delete from aegis.{}", "truncate aegis.{}"],
)
def test_even_a_superuser_is_refused(statement: str, table: str, database: TestDatabase) -> None:
    with database.sink() as sink:
        insert(sink, entries(3))
    with database.admin() as admin:
        with pytest.raises(psycopg.Error, match="append-only"):
            admin.execute(statement.format(table))
        assert stored(admin) == [(LOG, n) for n in range(3)]


def test_a_head_only_moves_forward(database: TestDatabase) -> None:
    with database.sink() as sink:
        insert(sink, entries(3))
    with database.admin() as admin:
        for statement in (
            "update aegis.audit_heads set next_sequence = 1",
            "delete from aegis.audit_heads",
        ):
            with pytest.raises(psycopg.Error, match="only moves forward"):
                admin.execute(statement)


def test_passwords_are_needed_and_stay_out_of_addresses(database: TestDatabase) -> None:
    secrets = database.server.secrets
    assert secrets.stat().st_mode & 0o777 == 0o700
    for path in secrets.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert "password" not in database.sink_url
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(database.sink_url.partition("?")[0], passfile="/nowhere")
