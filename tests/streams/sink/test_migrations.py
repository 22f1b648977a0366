"""Migrations are applied once, in order, and never another text under the same number."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
import pytest

from aegis_streams.sink.database import connected
from aegis_streams.sink.errors import DatabaseUnreachableError, MigrationError
from aegis_streams.sink.migrations import apply_migrations, load_migrations
from aegis_streams.sink.prepare import prepare_database

if TYPE_CHECKING:
    from pathlib import Path

    from support.database import TestDatabase


def test_applied_ones_are_not_applied_again(database: TestDatabase) -> None:
    with database.admin() as admin:
        assert apply_migrations(admin) == []
        rows = admin.execute("select version, sha256 from aegis_migrations.applied order by 1")
        assert list(rows) == [(each.version, each.sha256) for each in load_migrations()]


def test_an_edited_one_is_refused(database: TestDatabase) -> None:
    wanted = load_migrations()
    wanted[1] = wanted[1]._replace(sha256="0" * 64)
    with database.admin() as admin, pytest.raises(MigrationError, match="never edited"):
        apply_migrations(admin, wanted)


def test_a_newer_database_is_refused(database: TestDatabase) -> None:
    with database.admin() as admin, pytest.raises(MigrationError, match="older than the database"):
        apply_migrations(admin, load_migrations()[:-1])


def test_a_failing_one_leaves_nothing_behind(database: TestDatabase) -> None:
    known = load_migrations()
    text = "create table aegis.half (x int); select 1 / 0;"
    broken = known[-1]._replace(version=len(known) + 1, name="broken.sql", sha256="b", text=text)
    with database.admin() as admin:
        with pytest.raises(MigrationError, match=r"broken\.sql: division by zero"):
            apply_migrations(admin, [*known, broken])
        found = admin.execute("select to_regclass('aegis.half')").fetchone()
        assert found == (None,)
        assert apply_migrations(admin) == []


def test_two_at_once_apply_each_once(database: TestDatabase) -> None:
    known = load_migrations()
    text = "create table aegis.once (x int); select pg_sleep(0.2);"
    further = known[-1]._replace(version=len(known) + 1, name="once.sql", sha256="c", text=text)
    applied: list[list[str]] = []

    def apply() -> None:
        with database.admin() as admin:
            applied.append(apply_migrations(admin, [*known, further]))

    threads = [threading.Thread(target=apply) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(applied) == [[], ["once.sql"]]


@pytest.mark.parametrize("names", [(), ("0002_b.sql",), ("0001_a.sql", "0001_b.sql"), ("1_a.sql",)])
def test_files_are_numbered_without_gaps(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1;")
    with pytest.raises(MigrationError):
        load_migrations(tmp_path)


def test_a_prepared_database_stays_as_it_is(database: TestDatabase) -> None:
    before = {path: path.read_text() for path in database.server.secrets.iterdir()}
    done = prepare_database(database.admin_url, database.server.secrets)
    assert done == (False, [], 0)
    assert {path: path.read_text() for path in database.server.secrets.iterdir()} == before


def test_a_server_that_is_not_there_is_named() -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/aegis"
    with pytest.raises(DatabaseUnreachableError, match="port 1 failed") as told, connected(url):
        pass
    assert "secret" not in str(told.value)


def test_a_killed_server_comes_back_with_everything(database: TestDatabase) -> None:
    with database.admin() as admin:
        admin.execute("checkpoint")
    database.server.restart(kill=True)
    with database.auditor() as auditor:
        assert auditor.execute("select count(*) from aegis.audit_heads").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError):
        admin.execute("select 1")
