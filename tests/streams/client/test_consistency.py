"""Continuations are proven from the leaves, whatever else lies on the checkpoints topic."""

from __future__ import annotations

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.verifier import Verifier
from aegis_streams.client.consistency import ConsistencyProver, check_consistency
from aegis_streams.client.errors import BrokenLogError, NotFoundError
from support.decisions import audit_entries, body
from support.logs import SampleLog, lies, trust

MADE = [body(decision_id=f"d-{number}") for number in range(7)]


def sealed(*sizes: int) -> list[bytes]:
    """Return the checkpoints of the log of these bodies at some sizes."""
    log = SampleLog()
    found = []
    for size in sizes:
        log.append(MADE[log.tree.size : size])
        found.append(log.seal())
    return found


def prover(*notes: bytes, leaves: int = 7) -> ConsistencyProver:
    entries = audit_entries(MADE[:leaves])
    return ConsistencyProver(lambda _: entries, lambda _, last: notes[-last:], Verifier(trust()))


def test_the_newest_on_the_topic_is_taken_and_the_proof_checks() -> None:
    three, five, seven = sealed(3, 5, 7)
    proof = prover(five, seven).prove(three)
    assert (proof.old_size, proof.note) == (3, seven)
    assert check_consistency(three, proof.to_bytes(), Verifier(trust())).size == 7


def test_sizes_that_nobody_signed_accuse_nobody() -> None:
    three, seven = sealed(3, 7)
    proof = prover(seven, b"", *lies()).prove(three)
    assert proof.note == seven


def test_nothing_that_verifies() -> None:
    (three,) = sealed(3)
    with pytest.raises(NotFoundError, match="no checkpoint that verifies"):
        prover(*lies()).prove(three)


def test_a_log_that_went_back() -> None:
    three, five = sealed(3, 5)
    with pytest.raises(NotTrustedError) as caught:
        prover(three).prove(five)
    assert caught.value.finding is Finding.ROLLED_BACK


def test_leaves_that_were_signed_and_are_gone() -> None:
    three, seven = sealed(3, 7)
    with pytest.raises(BrokenLogError, match=r"7 leaves were signed, aegis\.audit holds 6"):
        prover(seven, leaves=6).prove(three)
