"""What the guard in the database lets in, drops and quarantines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.audit_rows import LONG_NAME, insert, quarantined, rehashed, stored
from support.entries import LOG, entries

if TYPE_CHECKING:
    from support.database import TestDatabase

OTHER = "aegis/test/1/1"


def test_leaves_enter_in_order_with_every_byte(database: TestDatabase) -> None:
    made = entries(5)
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, made)
        assert stored(auditor) == [(LOG, n) for n in range(5)]
        bodies = auditor.execute("select body, entry_hash from aegis.audit_records order by 1")
        assert list(bodies) == [(entry.body, entry.entry_hash) for entry in made]
        head = auditor.execute("select log, next_sequence, entry_hash from aegis.audit_heads")
        assert list(head) == [(LOG, 5, made[-1].entry_hash)]


def test_an_exact_replay_writes_nothing(database: TestDatabase) -> None:
    made = entries(6)
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, made[:4])
        version = "select xmin::text, sequence from aegis.audit_records order by sequence"
        before = auditor.execute(version).fetchall()
        insert(sink, made)
        insert(sink, made[2:])
        assert auditor.execute(version).fetchall()[:4] == before
        assert stored(auditor) == [(LOG, n) for n in range(6)]
        assert quarantined(auditor) == []


def test_what_does_not_hash_is_quarantined_and_what_follows_waits(database: TestDatabase) -> None:
    made, other = entries(5), entries(5, log=OTHER)
    forged = made[2]._replace(body=b"forged")
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [*made[:2], forged, *made[3:], *other])
        assert stored(auditor) == [(LOG, 0), (LOG, 1), *((OTHER, n) for n in range(5))]
        assert quarantined(auditor) == [(LOG, 2, "hash"), (LOG, 3, "gap"), (LOG, 4, "gap")]
        insert(sink, made)
        assert len(stored(auditor, LOG)) == 5, "the true leaf heals the log"


def test_a_wrong_entry_hash_is_found(database: TestDatabase) -> None:
    made = entries(2)
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [made[0], made[1]._replace(entry_hash=bytes(32))])
        assert quarantined(auditor) == [(LOG, 1, "hash")]


def test_a_leaf_of_another_history_does_not_link(database: TestDatabase) -> None:
    made, other = entries(4), entries(4, text="other")
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [*made[:2], *other[2:]])
        assert quarantined(auditor) == [(LOG, 2, "link"), (LOG, 3, "gap")]


def test_the_past_is_not_rewritten(database: TestDatabase) -> None:
    made = entries(4)
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [*made, rehashed(made[1], b"another body"), made[2]._replace(status="halt")])
        assert quarantined(auditor) == [(LOG, 1, "rewrite"), (LOG, 2, "rewrite")]
        assert stored(auditor) == [(LOG, n) for n in range(4)]


@pytest.mark.parametrize("first", [1, 3])
def test_a_log_begins_with_its_first_leaf(first: int, database: TestDatabase) -> None:
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, entries(4)[first:])
        assert stored(auditor) == []
        assert {reason for _, _, reason in quarantined(auditor)} == {"gap"}


def test_a_first_leaf_links_to_zero(database: TestDatabase) -> None:
    stray = entries(1)[0]._replace(previous_hash=b"\x01" * 32)
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [rehashed(stray, b"first")])
        assert quarantined(auditor) == [(LOG, 0, "link")]


def test_the_same_refused_leaf_is_kept_once(database: TestDatabase) -> None:
    forged = entries(1)[0]._replace(body=b"forged")
    with database.sink() as sink, database.auditor() as auditor:
        for _ in range(3):
            insert(sink, [forged])
        insert(sink, [forged._replace(body=b"forged again")])
        assert quarantined(auditor) == [(LOG, 0, "hash")] * 2


def test_a_missing_field_is_quarantined(database: TestDatabase) -> None:
    with database.sink() as sink, database.auditor() as auditor:
        sink.execute("insert into aegis.audit_records (log, sequence) values ('x', 0)")
        assert quarantined(auditor) == [("x", 0, "null")]


def test_copies_that_no_index_takes_are_left_out(database: TestDatabase) -> None:
    made = entries(4)
    made[1] = made[1]._replace(agent_id=LONG_NAME, proposal_id=LONG_NAME, status=LONG_NAME)
    made[2] = made[2]._replace(decision_id=LONG_NAME)
    with database.sink() as sink, database.auditor() as auditor:
        for _ in range(2):  # the second time it is a replay
            insert(sink, made)
        assert quarantined(auditor) == []
        rows = auditor.execute(
            "select agent_id, proposal_id = %s, decision_id from aegis.audit_records order by 1, 3",
            [LONG_NAME],
        )
        assert rows.fetchall() == [
            ("agent", False, "d-0"),
            ("agent", False, "d-3"),
            ("agent", False, None),
            (None, True, "d-1"),
        ]


def test_what_is_stored_with_a_long_copy_from_before_is_a_replay(database: TestDatabase) -> None:
    made = entries(2)
    made[1] = made[1]._replace(agent_id="x" * 600)
    with database.admin() as admin, database.sink() as sink:
        insert(sink, made)
        admin.execute("alter table aegis.audit_records disable trigger append_only")
        update = "update aegis.audit_records set agent_id = repeat('x', 600) where sequence = 1"
        admin.execute(update)
        insert(sink, made)
        assert quarantined(admin) == []


def test_evidence_with_long_texts_is_kept_whole(database: TestDatabase) -> None:
    first = entries(1, log=LONG_NAME)[0]
    forged = entries(1)[0]._replace(body=b"forged", agent_id=LONG_NAME)
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, [first, forged, *entries(3)])
        assert quarantined(auditor) == [(LONG_NAME, 0, "long"), (LOG, 0, "hash")]
        kept = auditor.execute("select agent_id from aegis.audit_quarantine order by id")
        assert kept.fetchall() == [("agent",), (LONG_NAME,)]
        assert stored(auditor) == [(LOG, n) for n in range(3)]
