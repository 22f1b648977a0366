"""Lies of somebody who holds the broker, one test per lie, told to a reader with and without an
earlier checkpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.keys import generate_log_keys
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import consistency_path
from aegis_codecs.log.note import parse_note
from aegis_codecs.records import bodies, schemas
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_codecs.trust_file import parse_trust, render_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.fsck.task import BLIND
from aegis_streams.names import (
    AUDIT,
    CHECKPOINTS,
    COMMANDS,
    DEAD_LETTERS,
    DECISIONS,
    PROPOSALS,
)
from support.forgery import Rec, codes, first, rechained, rewritten
from support.schema_registry import fake_registry

if TYPE_CHECKING:
    from pathlib import Path

    from aegis_codecs.records.audit import AuditEntry
    from support.forgery import Forger, Snapshot

pytestmark = pytest.mark.stack

VICTIM = 3
"""A decision leaf, released and sealed long before the retained checkpoint."""


def halted(entries: list[AuditEntry], position: int = VICTIM) -> list[AuditEntry]:
    """Return the leaves with one decision turned into its opposite."""
    _, fields = bodies.decode(entries[position].body)
    status = "proceed" if fields["status"] == "halt" else "halt"
    changed = rewritten(entries[position], status=status)
    return [*entries[:position], changed, *entries[position + 1 :]]


def size_of(note: bytes) -> int:
    return Checkpoint.parse(parse_note(note).text).size


def verifier(real: Snapshot) -> Verifier:
    return Verifier(parse_trust(real.trust))


def test_the_truth_is_believed(forger: Forger, since: list[bytes]) -> None:
    report = forger.judge(since=since)
    assert (codes(report), report.could_not, report.exit_code) == (set(), [], 0)
    (log,) = report.logs
    assert log.figures["leaves"] == len(forger.real.records[AUDIT])
    assert log.figures["inputs waiting"] == log.figures["decisions not released yet"] == 0
    assert (BLIND in log.told) == (not since)


def test_a_byte_changed(forger: Forger, since: list[bytes]) -> None:
    entries = halted(forger.real.entries())
    report = forger.judge({AUDIT: forger.real.audit(entries)}, since=since)
    assert codes(report) >= {"leaf_hash", "copy_differs", "decision_body", "tree_root"}
    assert first(report, "leaf_hash")["sequence"] == VICTIM
    assert first(report, "decision_body")["sequence"] == VICTIM
    assert report.exit_code == 1


def test_a_leaf_removed(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[AUDIT])
    del records[VICTIM]
    report = forger.judge({AUDIT: records}, since=since)
    assert codes(report) >= {"sequence_gap", "input_without_leaf"}
    assert first(report, "sequence_gap") == {
        "topic": first(report, "sequence_gap")["topic"],
        "partition": 0,
        "offset": VICTIM,
        "sequence": VICTIM,
    }


def test_a_leaf_inserted(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[AUDIT])
    records.insert(VICTIM + 1, records[VICTIM])
    report = forger.judge({AUDIT: records}, since=since)
    assert codes(report) == {"sequence_repeated"}
    assert first(report, "sequence_repeated")["offset"] == VICTIM + 1


def test_leaves_swapped(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[AUDIT])
    records[VICTIM : VICTIM + 2] = reversed(records[VICTIM : VICTIM + 2])
    report = forger.judge({AUDIT: records}, since=since)
    assert codes(report) >= {"sequence_gap", "sequence_repeated"}
    assert first(report, "sequence_gap")["offset"] == VICTIM


def test_the_tail_cut_and_nothing_else(forger: Forger, since: list[bytes]) -> None:
    records = forger.real.records[AUDIT][:-4]
    report = forger.judge({AUDIT: records}, since=since)
    assert codes(report) >= {"tail_cut"}
    assert first(report, "tail_cut")["sequence"] >= len(records)


def tail_cut_everywhere(real: Snapshot, size: int) -> dict[str, list[Rec]]:
    """Return every topic as it stood when the log had `size` leaves."""
    entries = real.entries()[:size]
    causes = [bodies.decode(entry.body).fields for entry in entries[1:]]
    ends = {
        topic: max((c["cause_offset"] + 1 for c in causes if c["cause_topic"] == topic), default=0)
        for topic in (PROPOSALS, COMMANDS)
    }
    decided = sum(entry.kind == "DecisionMade" for entry in entries)
    checkpoints = [r for r in real.records[CHECKPOINTS] if real.checkpoint(r).size <= size]
    return {
        AUDIT: real.records[AUDIT][:size],
        CHECKPOINTS: checkpoints,
        DECISIONS: real.records[DECISIONS][:decided],
        DEAD_LETTERS: [],
        **{topic: real.records[topic][:end] for topic, end in ends.items()},
    }


def test_the_tail_cut_everywhere(forger: Forger, since: list[bytes]) -> None:
    """One reader alone cannot see it and says so; an earlier checkpoint shows it."""
    sizes = [forger.real.checkpoint(r).size for r in forger.real.records[CHECKPOINTS]]
    before = max(size for size in sizes if size < size_of(forger.real.retained))
    report = forger.judge(tail_cut_everywhere(forger.real, before), since=since)
    (log,) = report.logs
    if since:
        assert codes(report) == {"tail_cut"}
        assert first(report, "tail_cut")["file"] == "kept-0"
    else:
        assert codes(report) == set()
        assert BLIND in log.told


def test_a_checkpoint_replaced_by_an_older_one(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[CHECKPOINTS])
    records[-1] = records[-2]
    report = forger.judge({CHECKPOINTS: records}, since=since)
    assert first(report, "checkpoint_order")["offset"] == len(records) - 1


def test_checkpoints_held_back(forger: Forger, since: list[bytes]) -> None:
    """Receipts carry the checkpoint that the topic lacks."""
    records = list(forger.real.records[CHECKPOINTS])
    del records[-2]
    report = forger.judge({CHECKPOINTS: records}, since=since)
    assert codes(report) == {"checkpoint_missing"}


def test_the_chain_recomputed_after_a_change(forger: Forger, since: list[bytes]) -> None:
    """A full forgery without the keys: every hash fits, only nobody signed it."""
    entries = rechained(halted(forger.real.entries()))
    report = forger.judge({AUDIT: forger.real.audit(entries)}, since=since)
    assert codes(report) >= {"tree_root", "decision_body"}
    assert not codes(report) & {"leaf_hash", "chain_broken", "sequence_gap"}
    assert first(report, "decision_body")["sequence"] == VICTIM
    retained = [each for log in report.logs for each in log.findings if "file" in each.where]
    assert bool(retained) == bool(since)


def test_decisions_forged_along_with_the_chain(forger: Forger, since: list[bytes]) -> None:
    """The forger releases its own decision with the receipt of the true one."""
    real = forger.real
    entries = rechained(halted(real.entries()))
    decisions = list(real.records[DECISIONS])
    number = sum(entry.kind == "DecisionMade" for entry in entries[:VICTIM])
    true = real.decisions()[number]
    value = real.wire.decision(entries[VICTIM], true.receipt)
    decisions[number] = decisions[number]._replace(value=value)
    report = forger.judge({AUDIT: real.audit(entries), DECISIONS: decisions}, since=since)
    assert codes(report) >= {"tree_root", "receipt_wrong"}
    assert first(report, "receipt_wrong")["sequence"] == VICTIM
    with pytest.raises(NotTrustedError) as refused:
        verifier(real).verify_receipt(true.receipt, entries[VICTIM].body)
    assert refused.value.finding == Finding.ROOT_MISMATCH


def test_two_histories_for_two_readers(forger: Forger, since: list[bytes]) -> None:
    """The owner of the keys tells another story, whole and signed; only a memory shows it."""
    real = forger.real
    entries = rechained(invented(real.entries()))
    report = forger.judge(real.sealed(entries), since=since)
    (log,) = report.logs
    if not since:
        assert codes(report) == set()
        assert BLIND in log.told
        return
    assert codes(report) == {"tree_root"}
    assert first(report, "tree_root")["file"] == "kept-0"
    other = real.sealed(entries, batch=size_of(since[0]))[CHECKPOINTS][0]
    remembering = verifier(real)
    remembering.advance(since[0])
    with pytest.raises(NotTrustedError) as refused:
        remembering.advance(real.checkpoint(other).note)
    assert refused.value.finding == Finding.FORKED_HISTORY


def test_one_size_signed_with_two_roots(forger: Forger, since: list[bytes]) -> None:
    """Both notes on one topic: whoever reads it holds the evidence."""
    real = forger.real
    entries = rechained(invented(real.entries()))
    sizes = [real.checkpoint(record).size for record in real.records[CHECKPOINTS]]
    other = real.sealed(entries, batch=sizes[1])[CHECKPOINTS][0]
    records = list(real.records[CHECKPOINTS])
    records.insert(2, other)
    report = forger.judge({CHECKPOINTS: records}, since=since)
    assert codes(report) >= {"history_forked", "tree_root"}


def invented(entries: list[AuditEntry]) -> list[AuditEntry]:
    """Return the leaves with another number in one decision: no copy and no input shows it."""
    changed = rewritten(entries[VICTIM], confidence=0.123)
    return [*entries[:VICTIM], changed, *entries[VICTIM + 1 :]]


def test_the_keys_swapped(forger: Forger, tmp_path: Path, since: list[bytes]) -> None:
    """Everything is signed anew with other keys; the trust file is still the true one."""
    real = forger.real
    keys = generate_log_keys(tmp_path / "keys")
    report = forger.judge(real.sealed(real.entries(), keys), since=since)
    assert codes(report) >= {"signature_missing"}
    assert first(report, "signature_missing")["offset"] == 0
    other = real.sealed(real.entries(), keys)[CHECKPOINTS][0]
    with pytest.raises(NotTrustedError) as refused:
        verifier(real).verify_checkpoint(real.checkpoint(other).note)
    assert refused.value.finding == Finding.SIGNATURE_MISSING


def test_the_keys_swapped_and_the_trust_file_too(
    forger: Forger, tmp_path: Path, since: list[bytes]
) -> None:
    """Whoever lets the data's owner choose whom to believe believes it; the past objects."""
    real = forger.real
    keys = generate_log_keys(tmp_path / "keys")
    (epoch,) = parse_trust(real.trust).epochs
    other = Epoch(epoch.deployment, epoch.region, 1, 1, keys.public_keys())
    trust = render_trust(TrustPolicy([other]))
    report = forger.judge(real.sealed(real.entries(), keys), since=since, trust=trust)
    assert codes(report) == ({"signature_missing"} if since else set())
    if since:
        assert first(report, "signature_missing")["file"] == "kept-0"
    else:
        assert BLIND in report.logs[0].told


def test_another_schema_by_its_fingerprint_in_the_body(forger: Forger, since: list[bytes]) -> None:
    entries = forger.real.entries()
    body = bodies.prefix("InputRejected") + entries[VICTIM].body[bodies.PREFIX_SIZE :]
    entries[VICTIM] = entries[VICTIM]._replace(body=body)
    report = forger.judge({AUDIT: forger.real.audit(entries)}, since=since)
    assert codes(report) >= {"leaf_unreadable", "leaf_hash"}
    assert first(report, "leaf_unreadable")["sequence"] == VICTIM


def test_another_schema_by_its_id_on_the_wire(forger: Forger, since: list[bytes]) -> None:
    real = forger.real
    header = b"\0" + real.wire.ids["SignedDecision"].to_bytes(4, "big")
    records = list(real.records[AUDIT])
    records[VICTIM] = records[VICTIM]._replace(value=header + (records[VICTIM].value or b"")[5:])
    assert codes(forger.judge({AUDIT: records}, since=since)) == {"schema_swapped"}


def test_another_schema_in_the_registry(forger: Forger, since: list[bytes]) -> None:
    """The registry's owner exchanges two fields, so that readers take one hash for the other."""
    true = json.loads(schemas.source("AuditEntry"))
    fields = true["fields"]
    fields[3], fields[4] = fields[4], fields[3]
    with fake_registry() as lying:
        lying.texts = dict.fromkeys(range(100), json.dumps(true))
        report = forger.judge(registry=lying.url, since=since)
    assert codes(report) == {"schema_swapped"}


def test_a_registry_that_does_not_answer_is_no_finding(forger: Forger) -> None:
    report = forger.judge(registry="http://127.0.0.1:9/apis/ccompat/v7")
    assert (codes(report), report.exit_code) == (set(), 2)
    assert "does not answer" in report.logs[0].could_not[0]


def test_an_input_changed(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[PROPOSALS])
    records[1] = records[1]._replace(value=(records[1].value or b"").replace(b"0.8", b"0.9"))
    report = forger.judge({PROPOSALS: records}, since=since)
    assert codes(report) == {"cause_differs"}
    assert first(report, "cause_differs")["offset"] == 1


def test_an_input_that_was_passed_over(forger: Forger, since: list[bytes]) -> None:
    """A record put between others is refused by the offsets of all after it."""
    records = list(forger.real.records[PROPOSALS])
    records.insert(4, records[0]._replace(value=b"{}"))
    report = forger.judge({PROPOSALS: records}, since=since)
    assert "cause_differs" in codes(report)
    assert first(report, "cause_differs")["offset"] == 4


def test_a_leaf_about_no_input(forger: Forger, since: list[bytes]) -> None:
    records = forger.real.records[PROPOSALS][:-1]
    report = forger.judge({PROPOSALS: records}, since=since)
    assert codes(report) == {"leaf_without_input"}
    assert first(report, "leaf_without_input")["offset"] == len(records)


def test_a_dead_letter_removed(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[DEAD_LETTERS])
    del records[1]
    assert codes(forger.judge({DEAD_LETTERS: records}, since=since)) == {"letter_missing"}


def test_a_dead_letter_doubled_and_one_changed(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[DEAD_LETTERS])
    records.insert(1, records[0])
    assert codes(forger.judge({DEAD_LETTERS: records}, since=since)) == {"letter_invented"}
    records = list(forger.real.records[DEAD_LETTERS])
    records[1], records[0] = records[1], records[0]._replace(key=b"somebody")
    report = forger.judge({DEAD_LETTERS: records}, since=since)
    assert codes(report) == {"letter_differs"}
    assert first(report, "letter_differs")["offset"] == 0


def test_a_decision_held_back(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[DECISIONS])
    del records[5]
    report = forger.judge({DECISIONS: records}, since=since)
    assert codes(report) == {"decision_missing"}


def test_a_decision_released_twice(forger: Forger, since: list[bytes]) -> None:
    records = list(forger.real.records[DECISIONS])
    records.insert(6, records[5])
    report = forger.judge({DECISIONS: records}, since=since)
    assert codes(report) == {"decision_doubled"}
    assert first(report, "decision_doubled")["offset"] == 6


def test_copies_beside_a_decision_changed(forger: Forger, since: list[bytes]) -> None:
    real = forger.real
    records = list(real.records[DECISIONS])
    true = real.decisions()[2]
    entry = next(e for e in real.entries() if e.body == true.body)
    value = real.wire.decision(entry._replace(status="proceed", agent_id="me"), true.receipt)
    records[2] = records[2]._replace(value=value)
    report = forger.judge({DECISIONS: records}, since=since)
    assert codes(report) == {"copy_differs"}
    assert first(report, "copy_differs")["offset"] == 2


def test_consistency_proofs_tell_the_two_histories_apart(real: Snapshot) -> None:
    """A monitor that follows by proofs believes the true continuation and no other."""
    leaves = [entry.leaf_hash for entry in real.entries()]
    newest = real.checkpoint(real.records[CHECKPOINTS][-1])
    old = size_of(real.retained)
    monitor = verifier(real)
    monitor.advance(real.retained)
    monitor.advance(newest.note, consistency_path(leaves[: newest.size], old))
    entries = rechained(invented(real.entries()))
    other = real.checkpoint(real.sealed(entries, batch=len(entries))[CHECKPOINTS][-1])
    forged = [entry.leaf_hash for entry in entries]
    fresh = verifier(real)
    fresh.advance(real.retained)
    proof = consistency_path(forged, old)
    with pytest.raises(NotTrustedError) as refused:
        fresh.advance(other.note, proof)
    assert refused.value.finding == Finding.FORKED_HISTORY
