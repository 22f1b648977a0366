"""Lies about how a log went on, told to a verifier that follows it."""

from __future__ import annotations

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.merkle import consistency_path
from aegis_codecs.verifier import Verifier
from support.logs import SampleLog, sample_bodies, trust

History = tuple[bytes, tuple[bytes, ...]]


def grown(count: int, start: int = 0) -> SampleLog:
    log = SampleLog()
    log.append(sample_bodies(count, start))
    return log


def size_rolled_back() -> History:
    return grown(3).seal(), ()


def forked_at_the_same_size() -> History:
    return grown(5, 100).seal(), ()


def forked_and_longer_with_its_own_proof() -> History:
    other = grown(9, 100)
    return other.seal(), consistency_path(other.leaves, 5)


def forked_and_longer_with_the_true_proof() -> History:
    return grown(9, 100).seal(), consistency_path(grown(9).leaves, 5)


def one_old_leaf_rewritten() -> History:
    other = SampleLog()
    other.append([*sample_bodies(2), b"rewritten", *sample_bodies(6, 3)])
    return other.seal(), consistency_path(other.leaves, 5)


def proof_missing() -> History:
    return grown(9).seal(), ()


def proof_truncated() -> History:
    return grown(9).seal(), consistency_path(grown(9).leaves, 5)[:-1]


def proof_extended() -> History:
    path = consistency_path(grown(9).leaves, 5)
    return grown(9).seal(), (*path, path[-1])


def proof_from_another_size() -> History:
    return grown(9).seal(), consistency_path(grown(9).leaves, 4)


def proof_node_shortened() -> History:
    path = consistency_path(grown(9).leaves, 5)
    return grown(9).seal(), (path[0][:-1], *path[1:])


def proof_where_nothing_changed() -> History:
    return grown(5).seal(), consistency_path(grown(9).leaves, 5)


LIES = {
    size_rolled_back: Finding.ROLLED_BACK,
    forked_at_the_same_size: Finding.FORKED_HISTORY,
    forked_and_longer_with_its_own_proof: Finding.FORKED_HISTORY,
    forked_and_longer_with_the_true_proof: Finding.FORKED_HISTORY,
    one_old_leaf_rewritten: Finding.FORKED_HISTORY,
    proof_missing: Finding.FORKED_HISTORY,
    proof_truncated: Finding.FORKED_HISTORY,
    proof_extended: Finding.FORKED_HISTORY,
    proof_from_another_size: Finding.FORKED_HISTORY,
    proof_node_shortened: Finding.FORKED_HISTORY,
    proof_where_nothing_changed: Finding.FORKED_HISTORY,
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_history_that_is_no_continuation_is_refused(lie: object) -> None:
    verifier = Verifier(trust())
    held = verifier.advance(grown(5).seal())
    note, path = lie()  # type: ignore[operator]  # a key of LIES
    with pytest.raises(NotTrustedError) as raised:
        verifier.advance(note, path)
    assert raised.value.finding is LIES[lie]  # type: ignore[index]  # a key of LIES
    assert verifier.newest(held.origin) == held


def test_the_true_history_is_accepted() -> None:
    verifier = Verifier(trust())
    verifier.advance(grown(5).seal())
    true = grown(9)
    assert verifier.advance(true.seal(), consistency_path(true.leaves, 5)) == true.checkpoint
