"""Receipts rebuilt from the leaves verify; whatever is amiss is told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.records import bodies
from aegis_codecs.verifier import Verifier
from aegis_streams.client.errors import BrokenLogError, NotFoundError, NotSealedError
from aegis_streams.client.receipts import ReceiptBuilder
from support.decisions import audit_entries, body, cause
from support.logs import SampleLog, lies, trust

if TYPE_CHECKING:
    from aegis_codecs.records.audit import AuditEntry


class Topics:
    """An audit topic of two partitions with their checkpoints, in memory."""

    def __init__(self) -> None:
        self.entries: dict[int, list[AuditEntry]] = {0: [], 1: []}
        self.notes: dict[int, list[bytes]] = {0: [], 1: []}
        self.logs = {number: SampleLog(f"aegis/local/1/{number}") for number in (0, 1)}

    def decide(self, partition: int, *ids: str, sealed: bool = True) -> None:
        """Append decisions, and seal them in one batch if asked to."""
        log = self.logs[partition]
        made = [body(decision_id=each) for each in ids]
        committed = [entry.body for entry in self.entries[partition]] + made
        self.entries[partition] = audit_entries(committed, log.signer.origin)
        if sealed:
            log.append(committed[log.tree.size :])
            self.notes[partition].append(log.seal())

    def builder(self) -> ReceiptBuilder:
        """Return a builder that reads these topics."""
        return ReceiptBuilder(2, self.entries.__getitem__, self.last_notes, Verifier(trust()))

    def last_notes(self, partition: int, last: int) -> list[bytes]:
        """Return the last notes of a partition."""
        return self.notes[partition][-last:]


@pytest.fixture
def topics() -> Topics:
    made = Topics()
    made.decide(0, "d-1", "d-2", "d-3")
    made.decide(1, "d-4")
    made.decide(0, "d-5", "d-6")
    return made


@pytest.mark.parametrize("wanted", ["d-1", "d-3", "d-4", "d-6"])
def test_every_decision_gets_a_receipt_that_verifies(topics: Topics, wanted: str) -> None:
    rebuilt = topics.builder().rebuild(wanted)
    leaf = Verifier(trust()).verify_receipt(rebuilt.receipt)
    assert leaf == rebuilt.leaf
    assert bodies.decode(leaf.body).fields["decision_id"] == wanted
    assert leaf.size == (1 if wanted == "d-4" else 5)


def test_unknown_decision(topics: Topics) -> None:
    with pytest.raises(NotFoundError, match="d-9: no such decision in the 2 partitions"):
        topics.builder().rebuild("d-9")


def test_a_column_that_lies_is_no_decision(topics: Topics) -> None:
    topics.entries[0][1] = topics.entries[0][1]._replace(decision_id="d-9")
    with pytest.raises(NotFoundError):
        topics.builder().rebuild("d-9")


def test_a_repeat_that_names_the_decision_is_not_mistaken_for_it(topics: Topics) -> None:
    repeat = bodies.encode(
        "ProposalRepeated",
        {
            **cause(9),
            "agent_id": "agent-1",
            "proposal_id": "p-1",
            "content_sha256": bytes(32),
            "first_decision_id": "d-7",
            "effective_decision_id": "d-7",
        },
    )
    made = [entry.body for entry in topics.entries[0]] + [repeat, body(decision_id="d-7")]
    topics.entries[0] = audit_entries(made)
    log = topics.logs[0]
    log.append(made[log.tree.size :])
    topics.notes[0].append(log.seal())
    assert topics.builder().rebuild("d-7").leaf.index == 6


def test_committed_and_not_yet_sealed(topics: Topics) -> None:
    topics.decide(1, "d-7", sealed=False)
    with pytest.raises(NotSealedError, match="leaf 1 is committed and not sealed yet"):
        topics.builder().rebuild("d-7")


def test_no_checkpoint_left(topics: Topics) -> None:
    topics.notes[0].clear()
    with pytest.raises(NotFoundError, match="no checkpoint that verifies is left"):
        topics.builder().rebuild("d-1")


def test_gap_in_the_log(topics: Topics) -> None:
    del topics.entries[0][2]
    with pytest.raises(BrokenLogError, match=r"leaf 2 is missing on aegis\.audit, found 3"):
        topics.builder().rebuild("d-1")


def test_log_shorter_than_what_was_signed(topics: Topics) -> None:
    del topics.entries[0][3:]
    with pytest.raises(BrokenLogError, match=r"5 leaves were signed, aegis\.audit holds 3"):
        topics.builder().rebuild("d-1")


def test_leaf_replaced_after_it_was_signed(topics: Topics) -> None:
    made = [entry.body for entry in topics.entries[0]]
    made[1] = body(decision_id="d-2", status="halt")
    topics.entries[0] = audit_entries(made)
    with pytest.raises(NotTrustedError) as caught:
        topics.builder().rebuild("d-1")
    assert caught.value.finding is Finding.ROOT_MISMATCH


def test_log_that_is_not_believed(topics: Topics) -> None:
    stranger = SampleLog("aegis/elsewhere/1/0")
    bodies_of = [entry.body for entry in topics.entries[0]]
    topics.entries[0] = audit_entries(bodies_of, stranger.signer.origin)
    stranger.append(bodies_of)
    topics.notes[0] = [stranger.seal()]
    with pytest.raises(NotTrustedError) as caught:
        topics.builder().rebuild("d-1")
    assert caught.value.finding is Finding.UNKNOWN_ORIGIN


def test_a_huge_size_that_nobody_signed_is_no_accusation(topics: Topics) -> None:
    topics.notes[0] += [b"x", *lies()]
    rebuilt = topics.builder().rebuild("d-1")
    assert (rebuilt.leaf.index, rebuilt.leaf.size) == (0, 5)
