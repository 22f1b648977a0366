"""Receipts from the database: the same trust rules, and nothing of it believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.trust_file import load_trust, render_trust
from aegis_codecs.verifier import Verifier
from aegis_governance.cli import main
from aegis_streams.client.errors import BrokenLogError, NotFoundError, NotSealedError
from aegis_streams.client.receipts import ReceiptBuilder
from aegis_streams.errors import SettingsError
from aegis_streams.settings import Settings
from aegis_streams.sink.receipts import rebuild_receipt
from support.audit_rows import insert, insert_checkpoint
from support.decisions import audit_entries, body
from support.logs import ORIGIN, SampleLog, trust

if TYPE_CHECKING:
    from pathlib import Path

    from aegis_codecs.records.audit import AuditEntry
    from support.database import TestDatabase

IDS = tuple(f"d-{number}" for number in range(9))
SIZES = (3, 6)
"""Checkpoints; the last three leaves are not sealed yet."""


class Stored:
    """A log in a database, with two checkpoints, and who believes it.

    Forged checkpoints come before the true ones of their size.
    """

    def __init__(
        self, database: TestDatabase, home: Path, forged: dict[int, bytes] | None = None
    ) -> None:
        self.database = database
        self.entries: list[AuditEntry] = audit_entries([body(decision_id=each) for each in IDS])
        self.notes: dict[int, bytes] = {}
        log = SampleLog()
        for size in SIZES:
            log.append([entry.body for entry in self.entries[log.tree.size : size]])
            self.notes[size] = log.seal()
        with database.sink() as sink:
            insert(sink, self.entries)
            for size in sorted({*(forged or {}), *SIZES}):
                for text in ((forged or {}).get(size), self.notes.get(size)):
                    if text is not None:
                        insert_checkpoint(sink, ORIGIN, size, text)
        trust_file = home / "trust.json"
        trust_file.write_bytes(render_trust(trust()))
        self.settings = Settings(database_url=database.auditor_url, trust_file=trust_file)

    def refused(self) -> list[tuple[int, str]]:
        """Size and reason of every checkpoint in quarantine."""
        with self.database.auditor() as auditor:
            rows = auditor.execute("select size, reason from aegis.checkpoint_quarantine")
            return [(int(size), str(reason)) for size, reason in rows]

    def as_superuser(self, *statements: str) -> None:
        """Change what is stored, triggers switched off."""
        with self.database.admin() as admin:
            admin.execute("set session_replication_role = replica")
            for statement in statements:
                admin.execute(statement)


@pytest.fixture
def stored(database: TestDatabase, tmp_path: Path) -> Stored:
    return Stored(database, tmp_path)


@pytest.mark.parametrize(("wanted", "size"), [("d-0", 3), ("d-2", 3), ("d-3", 6), ("d-5", 6)])
def test_receipts_verify_as_anywhere(
    wanted: str, size: int, stored: Stored, tmp_path: Path
) -> None:
    rebuilt = rebuild_receipt(stored.settings, wanted)
    assert (rebuilt.leaf.index, rebuilt.leaf.size) == (IDS.index(wanted), size)
    topic = ReceiptBuilder(
        1,
        lambda _: stored.entries,
        lambda *_: [stored.notes[size]],
        Verifier(load_trust(tmp_path / "trust.json")),
    )
    assert rebuilt == topic.rebuild(wanted), "the topic gives the same bytes"
    receipt = tmp_path / "d.tlog-proof"
    receipt.write_bytes(rebuilt.receipt)
    assert main(["verify", str(receipt), "--trust", str(tmp_path / "trust.json")]) == 0


def test_retired_leaves_still_prove_those_after_them(stored: Stored) -> None:
    stored.as_superuser(
        "insert into aegis.audit_retired select log, sequence, leaf_hash from aegis.audit_records "
        "where sequence < 4",
        "delete from aegis.audit_records where sequence < 4",
    )
    assert rebuild_receipt(stored.settings, "d-5").leaf.index == 5
    with pytest.raises(NotFoundError, match="or it was retired"):
        rebuild_receipt(stored.settings, "d-1")


def test_what_is_not_sealed_yet(stored: Stored) -> None:
    with pytest.raises(NotSealedError, match="no checkpoint in the database covers leaf 7"):
        rebuild_receipt(stored.settings, "d-7")


def test_a_missing_leaf_is_named(stored: Stored) -> None:
    stored.as_superuser("delete from aegis.audit_records where sequence = 1")
    with pytest.raises(BrokenLogError, match="3 leaves were signed, the database lacks leaf 1"):
        rebuild_receipt(stored.settings, "d-0")


def test_a_column_that_lies_is_no_decision(stored: Stored) -> None:
    stored.as_superuser("update aegis.audit_records set decision_id = 'd-99' where sequence = 1")
    with pytest.raises(NotFoundError):
        rebuild_receipt(stored.settings, "d-99")


def test_a_superuser_cannot_change_a_decision(stored: Stored) -> None:
    with stored.database.admin() as admin:
        admin.execute("set session_replication_role = replica")
        forged = body(decision_id="d-1", status="halt")
        admin.execute(
            "update aegis.audit_records set body = %s, leaf_hash = sha256('\\x00'::bytea || %s) "
            "where sequence = 1",
            [forged, forged],
        )
    with pytest.raises(NotTrustedError) as caught:
        rebuild_receipt(stored.settings, "d-1")
    assert caught.value.finding is Finding.ROOT_MISMATCH


def unsigned(size: int, root: str = "A" * 43 + "=") -> bytes:
    """A checkpoint of a root that somebody made up, without a signature that counts."""
    return f"{ORIGIN}\n{size}\n{root}\n\n— {ORIGIN} AAAAAAA=\n".encode()


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_checkpoint_that_somebody_made_up_blocks_no_receipt(
    size: int, database: TestDatabase, tmp_path: Path
) -> None:
    stored = Stored(database, tmp_path, {size: unsigned(size)})
    assert rebuild_receipt(stored.settings, "d-1").leaf.size == 3
    assert rebuild_receipt(stored.settings, "d-3").leaf.size == 6
    assert stored.refused() == ([(3, "split")] if size == 3 else [])


def test_where_nothing_believed_covers_the_leaf_the_first_is_named(
    database: TestDatabase, tmp_path: Path
) -> None:
    stored = Stored(database, tmp_path, {8: unsigned(8), 9: unsigned(9)})
    with pytest.raises(NotTrustedError) as caught:
        rebuild_receipt(stored.settings, "d-7")
    assert caught.value.finding is Finding.SIGNATURE_MISSING


def test_a_checkpoint_under_a_false_size_is_not_taken(stored: Stored) -> None:
    """Its columns say that it covers the leaf, what was signed does not."""
    stored.as_superuser("update aegis.checkpoints set size = 5 where size = 3")
    assert rebuild_receipt(stored.settings, "d-3").leaf.size == 6


def test_without_a_database_it_says_which_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="AEGIS_DATABASE_URL"):
        rebuild_receipt(Settings(trust_file=tmp_path), "d-1")
