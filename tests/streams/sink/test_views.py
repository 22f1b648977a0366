"""The views that people read, and partitions and retention below them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records import bodies
from aegis_codecs.records.audit import AuditEntry
from support.audit_rows import LONG_NAME, insert, insert_checkpoint, quarantined, stored
from support.entries import LOG, entries
from support.leaf_bodies import LEAF_TIME, decision_body

if TYPE_CHECKING:
    from support.database import TestDatabase

CAUSE = {
    "cause_topic": "aegis.proposals",
    "cause_partition": 0,
    "cause_offset": 8,
    "cause_timestamp": LEAF_TIME,
    "cause_sha256": bytes(32),
    "ordinal": 0,
    "leaf_time": LEAF_TIME,
}
REJECTED = bodies.encode("InputRejected", {
    **CAUSE, "reason": "field_invalid", "detail": "risk: not a number", "agent_id": "release-bot",
    "proposal_id": "p-2", "value_length": 12,
})  # fmt: skip
OVERRIDE = bodies.encode("OverrideChanged", {
    **CAUSE, "override_id": "o-1", "agent_id": "release-bot", "proposal_id": "p-1",
    "decision_id": "d-1", "state": "requested", "actor": "ada", "role": "risk", "detail": "",
    "justification": "tested by hand", "expires_at": LEAF_TIME + 1000,
})  # fmt: skip


def chain(*leaves: tuple[str, bytes, str]) -> list[AuditEntry]:
    """A log of the given kinds, bodies and statuses."""
    made, previous = [], ZERO_HASH
    for sequence, (kind, body, status) in enumerate(leaves):
        leaf = leaf_hash(body)
        entry = entry_hash(previous, leaf)
        made.append(
            AuditEntry(LOG, sequence, previous, leaf, entry, body, kind, LEAF_TIME, "release-bot",
                       "p-1", "d-1", status, None)
        )  # fmt: skip
        previous = entry
    return made


def note(log: str, size: int, root: str = "") -> bytes:
    """A checkpoint's text; its signatures are of no matter to the database."""
    line = root or "A" * 43 + "="
    return f"{log}\n{size}\n{line}\n\n— {log} x\n".encode()


def checkpoint(
    connection: psycopg.Connection, log: str, size: int, *, keep: bool = True, text: bytes = b""
) -> None:
    insert_checkpoint(connection, log, size, text or note(log, size), keep=keep)


def test_views_read_the_bodies(database: TestDatabase) -> None:
    halt = decision_body(
        decision_id="d-1", status="halt", reason="gate_failed", risk_outcome="failed",
        risk_value=0.97, risk_threshold=0.95, constraints=["drift_warning"],
    )  # fmt: skip
    leaves = chain(
        ("DecisionMade", halt, "halt"),
        ("InputRejected", REJECTED, ""),
        ("OverrideChanged", OVERRIDE, "requested"),
    )
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, leaves)
        row = auditor.execute(
            "select decision_id, status, reason, constraints, phase, dry_run, supersedes, "
            "extract(epoch from valid_until - time) from aegis.decisions"
        ).fetchone()
        assert row == ("d-1", "halt", "gate_failed", ["drift_warning"], "plan", False, None, 86400)
        gates = auditor.execute("select gate, outcome, message from aegis.gates").fetchall()
        assert len(gates) == 6
        assert gates[0] == (
            "risk", "failed", "Probability 0.97 of a large rise of risk is above 0.95",
        )  # fmt: skip
        rejected = auditor.execute('select reason, detail, "offset" from aegis.rejected_inputs')
        assert rejected.fetchall() == [("field_invalid", "risk: not a number", 8)]
        overrides = auditor.execute("select override_id, state, actor from aegis.overrides")
        assert overrides.fetchall() == [("o-1", "requested", "ada")]
        agents = auditor.execute("select agent_id, decisions, halt, rejected from aegis.agents")
        assert agents.fetchall() == [("release-bot", 1, 1, 1)]
        days = auditor.execute(
            "select day::text, sum(leaves) from aegis.activity_per_day group by 1"
        )
        assert days.fetchall() == [("2026-01-01", 3)]


def test_a_column_that_lies_does_not_reach_the_views(database: TestDatabase) -> None:
    lying = chain(("DecisionMade", decision_body(status="halt"), "proceed"))
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, lying)
        assert auditor.execute("select status from aegis.decisions").fetchall() == [("halt",)]


HOSTILE = bodies.encode("InputRejected", {
    **CAUSE, "cause_timestamp": 2**62, "reason": "undecodable", "detail": "key: empty",
    "agent_id": "a\0b", "proposal_id": "x" * 40_000, "value_length": 12,
})  # fmt: skip
TOPIC = b"\x1eaegis.proposals"
OVERFLOWING = HOSTILE.replace(TOPIC + b"\0", TOPIC + b"\xfe" * 8 + b"\1")
"""A partition of more than 32 bits."""


VIEWS = {"decisions": 1, "gates": 6, "agents": 1, "activity_per_day": 3, "quarantine": 0}
"""Rows of the views beside those of refused inputs and overrides."""


def test_no_body_fails_a_query(database: TestDatabase) -> None:
    assert OVERFLOWING != HOSTILE
    leaves = chain(
        ("InputRejected", REJECTED, ""),
        ("InputRejected", HOSTILE, ""),
        ("InputRejected", OVERFLOWING, ""),
        ("OverrideChanged", OVERRIDE.replace(b"tested", b"\xfftste"), ""),
        ("DecisionMade", b"nothing", ""),
    )
    with database.sink() as sink, database.auditor() as auditor:
        insert(sink, leaves)
        assert quarantined(auditor) == []
        rows = auditor.execute(
            "select sequence, agent_id, length(proposal_id), received_at is null, reason "
            "from aegis.rejected_inputs order by sequence"
        ).fetchall()
        assert rows == [
            (0, "release-bot", 3, False, "field_invalid"),
            (1, "a\u2400b", 40_000, True, "undecodable"),
            (2, None, None, True, None),
        ]
        overrides = auditor.execute("select sequence, justification from aegis.overrides")
        assert overrides.fetchall() == [(3, None)]
        for view, number in VIEWS.items():
            read = SQL("select * from {}").format(Identifier("aegis", view))
            assert len(auditor.execute(read).fetchall()) == number


def narrow(admin: psycopg.Connection, width: int = 4) -> None:
    """Partitions of a few leaves from the beginning."""
    for (name,) in admin.execute("select partition::text from aegis.audit_partitions").fetchall():
        admin.execute(f"drop table {name}")
    admin.execute("update aegis.audit_partitioning set width = %s", [width])
    admin.execute("select aegis.audit_make_partitions()")


def bounds(connection: psycopg.Connection) -> list[tuple[int, int]]:
    rows = connection.execute("select lower, upper from aegis.audit_partitions order by 1")
    return [(int(lower), int(upper)) for lower, upper in rows]


def test_partitions_stand_ready_and_none_is_waited_for(database: TestDatabase) -> None:
    made = entries(22)
    with database.admin() as admin, database.sink() as sink:
        narrow(admin)
        assert bounds(admin) == [(0, 4), (4, 8)]
        insert(sink, made[:18])  # far beyond what stands ready
        assert admin.execute("select count(*) from aegis.audit_records_rest").fetchone() == (10,)
        admin.execute("select aegis.audit_make_partitions()")
        assert admin.execute("select count(*) from aegis.audit_records_rest").fetchone() == (0,)
        assert bounds(admin)[-1] == (24, 28)
        insert(sink, made)
        assert stored(admin) == [(LOG, n) for n in range(22)]
        assert quarantined(admin) == []
        with pytest.raises(psycopg.Error, match="append-only"):
            admin.execute("truncate aegis.audit_records_000000000016")
        with pytest.raises(psycopg.Error, match="append-only"):
            admin.execute("delete from aegis.audit_records where sequence = 17")


def test_retention_keeps_the_chain(database: TestDatabase) -> None:
    made = entries(10)
    with database.admin() as admin, database.sink() as sink:
        narrow(admin)
        insert(sink, made)
        with pytest.raises(psycopg.Error, match=r"no kept checkpoint of \S+ covers leaf 3"):
            admin.execute("select aegis.retire_partition(0, '1 day')")
        checkpoint(sink, LOG, 3)
        checkpoint(sink, LOG, 9, keep=False)
        with pytest.raises(psycopg.Error, match="no kept checkpoint"):
            admin.execute("select aegis.retire_partition(0, '1 day')")
        checkpoint(sink, LOG, 4)
        with pytest.raises(psycopg.Error, match="its newest row"):
            admin.execute("select aegis.retire_partition(0, '100 years')")
        assert admin.execute("select aegis.retire_partition(0, '1 day')").fetchone() == (4,)
        assert stored(admin) == [(LOG, n) for n in range(4, 10)]
        hashes = admin.execute(
            "select leaf_hash from aegis.leaf_hashes where log = %s order by sequence", [LOG]
        ).fetchall()
        assert [leaf for (leaf,) in hashes] == [entry.leaf_hash for entry in made]
        linked = ZERO_HASH
        for (leaf,) in hashes:
            linked = sha256(linked + leaf).digest()
        assert linked == made[-1].entry_hash
        insert(sink, made)  # all of it once more
        assert stored(admin) == [(LOG, n) for n in range(4, 10)]
        assert quarantined(admin) == []
        insert(sink, [entries(1, text="forged")[0]])
        assert quarantined(admin) == [(LOG, 0, "rewrite")]


@pytest.mark.parametrize(
    ("lower", "message"), [(1, "no partition begins at sequence 1"), (4, "it is empty")]
)
def test_what_cannot_be_retired_is_said(lower: int, message: str, database: TestDatabase) -> None:
    with database.admin() as admin:
        narrow(admin)
        with pytest.raises(psycopg.Error, match=message):
            admin.execute("select aegis.retire_partition(%s, '1 day')", [lower])


def test_leaves_that_waited_for_a_missing_one_are_let_in(database: TestDatabase) -> None:
    made = entries(6)
    with database.admin() as admin, database.sink() as sink:
        insert(sink, [*made[:2], *made[3:]])
        assert [reason for _, _, reason in quarantined(admin)] == ["gap"] * 3
        insert(sink, [made[2]])
        assert admin.execute("select aegis.readmit(%s)", [LOG]).fetchone() == (3,)
        assert stored(admin) == [(LOG, n) for n in range(6)]
        assert len(quarantined(admin)) == 3, "evidence stays"


def refused(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("select reason from aegis.checkpoint_quarantine order by id")
    return [str(reason) for (reason,) in rows]


def test_two_roots_for_one_size_are_evidence(database: TestDatabase) -> None:
    with database.sink() as sink, database.auditor() as auditor:
        checkpoint(sink, LOG, 5)
        checkpoint(sink, LOG, 5)
        resigned = note(LOG, 5) + "— other y\n".encode()
        checkpoint(sink, LOG, 5, text=resigned)
        assert refused(auditor) == []
        other = note(LOG, 5, "B" * 43 + "=")
        for text in (other, resigned, other, b""):
            checkpoint(sink, LOG, 5, text=text)
        assert refused(auditor) == ["split"]
        found = auditor.execute("select note from aegis.checkpoints order by arrived_at").fetchall()
        assert [text for (text,) in found] == [note(LOG, 5), resigned, other], "both sides stay"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (note("another", 5), "copy"),
        (note(LOG, 6), "copy"),
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (note(LOG, 5, "short"), "malformed"),
        (f"{LOG}\n5".encode(), "malformed"),
    ],
)
def test_what_is_no_such_checkpoint_is_refused(
    text: bytes, reason: str, database: TestDatabase
) -> None:
    with database.sink() as sink, database.auditor() as auditor:
        sink.execute(
            "insert into aegis.checkpoints (log, size, note, keep) values (%s, 5, %s, true)",
            [LOG, text],
        )
        assert refused(auditor) == [reason]
        assert auditor.execute("select count(*) from aegis.checkpoints").fetchone() == (0,)


def test_a_checkpoint_of_a_log_with_a_long_name_is_refused(database: TestDatabase) -> None:
    name = LONG_NAME
    with database.sink() as sink, database.auditor() as auditor:
        checkpoint(sink, name, 5)
        assert refused(auditor) == ["long"]


def test_old_checkpoints_go_and_kept_ones_stay(database: TestDatabase) -> None:
    with database.admin() as admin, database.sink() as sink:
        for size in (1, 2, 3, 4):
            checkpoint(sink, LOG, size, keep=size == 1)
        checkpoint(sink, LOG, 3, keep=False, text=note(LOG, 3, "B" * 43 + "="))
        with pytest.raises(psycopg.Error, match="kept or recent"):
            admin.execute("delete from aegis.checkpoints")
        admin.execute("alter table aegis.checkpoints disable trigger append_only")
        admin.execute("update aegis.checkpoints set arrived_at = now() - interval '8 days'")
        admin.execute("alter table aegis.checkpoints enable trigger append_only")
        assert admin.execute("select aegis.prune_checkpoints()").fetchone() == (1,)
        left = admin.execute("select size from aegis.checkpoints order by 1").fetchall()
        assert left == [(1,), (3,), (3,), (4,)], "the kept one, a split, and the newest of the log"
