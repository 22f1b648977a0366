"""After a recovery: what was refused and came after all is told apart from what never fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.sink.access import KEEPER
from aegis_streams.sink.database import connected, ensure_database
from aegis_streams.sink.migrations import apply_migrations, load_migrations
from support.audit_rows import insert, insert_checkpoint
from support.database import TestDatabase
from support.entries import LOG, entries

if TYPE_CHECKING:
    import psycopg

RESOLVED = "select reason, resolved, count(*) from aegis.quarantine group by 1, 2 order by 1, 2"
COUNTED = (
    "select reason, count(*), count(*) filter (where stored is not true) "
    "from aegis.audit_refusals group by 1 order by 1"
)


def settled(database: TestDatabase) -> int:
    """Let the keeper compare; return how many leaves it looked at."""
    with connected(database.server.url(KEEPER, database.name)) as keeper:
        row = keeper.execute("select aegis.settle_quarantine()").fetchone()
    assert row is not None
    return int(row[0])


def told(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_gaps_are_resolved_once_the_missing_leaf_came(database: TestDatabase) -> None:
    made = entries(8)
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [*made[:3], *made[4:]])
        assert settled(database) == 0, "the log has not reached them"
        assert told(auditor, RESOLVED) == [("gap", False, 4)]
        assert told(auditor, COUNTED) == [("gap", 4, 4)]
        insert(sink, made)
        assert told(auditor, RESOLVED) == [("gap", True, 4)]
        assert settled(database) == 4
        assert told(auditor, COUNTED) == [("gap", 4, 0)]
        assert settled(database) == 0, "each is compared once"


def test_what_never_fits_stays_unresolved(database: TestDatabase) -> None:
    made, other = entries(6), entries(6, text="other")
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [*made[:2], other[2], made[3]._replace(body=b"forged"), other[5]])
        insert(sink, made)
        insert(sink, [made[1]._replace(status="halt"), other[0]])
        sink.execute("insert into aegis.audit_records (log, sequence) values ('x', 0)")
        assert settled(database) == 5
        wrong = [("gap", 1), ("hash", 1), ("link", 1), ("null", 1), ("rewrite", 2)]
        assert told(auditor, RESOLVED) == [(reason, False, n) for reason, n in wrong]
        assert told(auditor, COUNTED) == [(reason, n, n) for reason, n in wrong]


def test_a_resolved_leaf_stays_so_when_it_is_retired(database: TestDatabase) -> None:
    made = entries(6)
    with database.admin() as admin, database.sink() as sink:
        insert(sink, [*made[:2], *made[3:]])
        insert(sink, made)
        admin.execute("set session_replication_role = replica")
        admin.execute(
            "with old as (delete from aegis.audit_records where sequence < 5 returning *) "
            "insert into aegis.audit_retired select log, sequence, leaf_hash from old"
        )
        assert told(admin, RESOLVED) == [("gap", True, 3)]
        assert settled(database) == 3
        assert told(admin, COUNTED) == [("gap", 3, 0)]


def test_a_copy_that_is_too_long_to_be_stored_is_no_difference(database: TestDatabase) -> None:
    """Nor does a log whose name no index takes stop the guard."""
    made = entries(3)
    made[2] = made[2]._replace(agent_id="a" * 600, decision_id="".join(map(chr, range(33, 2_000))))
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [made[0], made[2], made[2]._replace(log="".join(map(chr, range(33, 3_000))))])
        insert(sink, made)
        assert settled(database) == 1
        assert told(auditor, RESOLVED) == [("gap", True, 1), ("long", False, 1)]
        assert told(auditor, COUNTED) == [("gap", 1, 0), ("long", 1, 1)]


def test_what_an_earlier_guard_refused_is_taken_along(database: TestDatabase) -> None:
    known = load_migrations()
    before = [each for each in known if each.name < "0010"]
    old = TestDatabase(database.server, f"{database.name}_old")
    ensure_database(old.admin_url)
    note = "{}\n3\n{}\n\n— x y\n".format
    notes = [note(LOG, letter * 43 + "=").encode() for letter in "AB"]
    made = entries(5)
    with old.admin() as admin:
        apply_migrations(admin, before)
        insert(admin, [*made[:2], *made[3:]])
        for text in notes:
            insert_checkpoint(admin, LOG, 3, text)
        assert told(admin, "select note from aegis.checkpoints") == [(notes[0],)]
        apply_migrations(admin, known)
        assert told(admin, "select note from aegis.checkpoints order by note") == [
            (text,) for text in notes
        ]
        assert told(admin, RESOLVED) == [("gap", False, 2), ("split", False, 1)]
        assert told(admin, COUNTED) == [("gap", 2, 2)]
