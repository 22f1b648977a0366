"""Roots, inclusion and consistency against pymerkle, which shares no code with us."""

from __future__ import annotations

import pytest
from pymerkle import InmemoryTree
from pymerkle import verify_consistency as their_verify_consistency

from aegis_codecs.log.merkle import (
    EMPTY_RANGE,
    consistency_path,
    extend,
    inclusion_path,
    leaf_hash,
    root_of,
    verify_consistency,
)

BODIES = [b"leaf body %d" % number for number in range(130)]
LEAVES = [leaf_hash(body) for body in BODIES]


@pytest.fixture(scope="module")
def oracle() -> InmemoryTree:
    return InmemoryTree.init_from_entries(BODIES, algorithm="sha256")


def test_leaf_hashes_agree(oracle: InmemoryTree) -> None:
    assert [oracle.get_leaf(index + 1) for index in range(len(BODIES))] == LEAVES


def test_roots_of_every_size_agree(oracle: InmemoryTree) -> None:
    tree = EMPTY_RANGE
    for size in range(1, len(BODIES) + 1):
        tree = tree.append(LEAVES[size - 1])
        assert tree.root() == root_of(LEAVES[:size]) == oracle.get_state(size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100, 129, 130])
def test_inclusion_paths_agree(oracle: InmemoryTree, size: int) -> None:
    _, paths = extend(EMPTY_RANGE, LEAVES[:size])
    for index, path in enumerate(paths):
        proof = oracle.prove_inclusion(index + 1, size)
        # Its path begins with the leaf itself.
        assert tuple(proof.path[1:]) == path == inclusion_path(LEAVES, index, size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100, 129, 130])
def test_consistency_proofs_hold_between_the_same_roots(oracle: InmemoryTree, size: int) -> None:
    new_root = root_of(LEAVES[:size])
    for old in range(1, size + 1):
        # Their proof has a form of their own, so each side checks its own between equal roots.
        theirs = oracle.prove_consistency(old, size)
        their_verify_consistency(root_of(LEAVES[:old]), new_root, theirs)
        assert theirs.resolve() == new_root
        ours = consistency_path(LEAVES[:size], old)
        verify_consistency(old, oracle.get_state(old), size, oracle.get_state(size), ours)
