"""The judge against the receipts that lie, and against everyone else's proofs."""

from __future__ import annotations

import json

import pytest

from aegis_codecs.log.merkle import EMPTY_RANGE, extend, leaf_hash
from aegis_codecs.log.receipt import render_receipts
from aegis_codecs.trust_file import render_trust
from aegis_streams.fsck.errors import DistrustError
from aegis_streams.fsck.merkle import Tree, hash_leaf, root_of_proof
from aegis_streams.fsck.notes import read_proof
from aegis_streams.fsck.receipts import Receipts
from aegis_streams.fsck.trust import Signatures, Trust
from conformance.make_fixtures import DIRECTORY, GENUINE, SUFFIX
from support.logs import ORIGIN, SampleLog, trust

FINDINGS: dict[str, str] = json.loads((DIRECTORY / "findings.json").read_text())


def believed(receipt: bytes) -> bool:
    """Tell whether the judge believes a receipt file from its parts."""
    signatures = Signatures(Trust((DIRECTORY / "trust.json").read_bytes()))
    try:
        proof = read_proof(receipt)
        head = signatures.check(proof.note)
    except DistrustError:
        return False
    if proof.extra is None:
        return False
    leaf = hash_leaf(proof.extra)
    return root_of_proof(leaf, proof.position, head.size, proof.path) == head.root


@pytest.mark.parametrize("name", FINDINGS)
def test_the_judge_believes_the_same_receipts_as_the_verifier(name: str) -> None:
    receipt = (DIRECTORY / f"{name}{SUFFIX}").read_bytes()
    assert believed(receipt) == (FINDINGS[name] == GENUINE)


def batch(size: int) -> tuple[list[bytes], list[bytes]]:
    """Return the leaf hashes of a tree and a receipt for each."""
    log = SampleLog()
    log.append([b"leaf %d" % number for number in range(size)])
    _, paths = extend(EMPTY_RANGE, log.leaves)
    return log.leaves, render_receipts(0, paths, log.seal())


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 100])
def test_short_cuts_accept_what_the_long_way_accepts_and_nothing_else(size: int) -> None:
    leaves, made = batch(size)
    receipts = Receipts(ORIGIN, Signatures(Trust(render_trust(trust()))))
    for number, (leaf, receipt) in enumerate(zip(leaves, made, strict=True)):
        assert receipts.check(receipt, number, leaf).size == size
        assert receipts.check(receipt, number, leaf).size == size
        for wrong in (leaf_hash(b"another"), leaves[number - 1] if size > 1 else bytes(32)):
            with pytest.raises(DistrustError):
                receipts.check(receipt, number, wrong)
        with pytest.raises(DistrustError):
            receipts.check(receipt, number + 1, leaf)


def test_a_path_of_another_spelling_is_refused_even_if_its_nodes_are_known() -> None:
    leaves, made = batch(8)
    receipts = Receipts(ORIGIN, Signatures(Trust(render_trust(trust()))))
    for number, receipt in enumerate(made):
        receipts.check(receipt, number, leaves[number])
    lines = made[0].split(b"\n")
    lines[2] = lines[2].replace(b"=", b"==")
    with pytest.raises(DistrustError):
        receipts.check(b"\n".join(lines), 0, leaves[0])


def test_trees_are_those_of_the_codecs() -> None:
    tree, other = Tree(), EMPTY_RANGE
    for number in range(130):
        leaf = leaf_hash(b"%d" % number)
        tree.add(leaf)
        other = other.append(leaf)
        assert tree.root() == other.root()
        assert Tree(tree.size, tree.peaks).root() == other.root()
