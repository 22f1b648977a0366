"""The tree against RFC 6962's recursive definitions, written again here as they stand there."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import (
    EMPTY_RANGE,
    EMPTY_ROOT,
    CompactRange,
    consistency_path,
    extend,
    inclusion_path,
    leaf_hash,
    node_hash,
    path_length,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(80)]
sizes = st.integers(1, len(LEAVES))


def rfc_split(count: int) -> int:
    split = 1
    while split * 2 < count:
        split *= 2
    return split


def rfc_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = rfc_split(len(leaves))
    return node_hash(rfc_root(leaves[:k]), rfc_root(leaves[k:]))


def rfc_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = rfc_split(len(leaves))
    if index < k:
        return [*rfc_path(index, leaves[:k]), rfc_root(leaves[k:])]
    return [*rfc_path(index - k, leaves[k:]), rfc_root(leaves[:k])]


def rfc_proof(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [rfc_root(leaves)]
    k = rfc_split(len(leaves))
    if old <= k:
        return [*rfc_proof(old, leaves[:k], whole=whole), rfc_root(leaves[k:])]
    return [*rfc_proof(old - k, leaves[k:], whole=False), rfc_root(leaves[:k])]


@st.composite
def grown(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(sizes)
    return draw(st.integers(0, size)), size


@st.composite
def placed(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(sizes)
    return draw(st.integers(0, size - 1)), size


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_small_tree_equals_the_definition() -> None:
    for size in range(40):
        assert root_of(LEAVES[:size]) == rfc_root(LEAVES[:size])
        for old in range(size + 1):
            before = EMPTY_RANGE.grow(LEAVES[:old])
            after, paths = extend(before, LEAVES[old:size])
            assert after.root() == rfc_root(LEAVES[:size])
            assert [list(path) for path in paths] == [
                rfc_path(index, LEAVES[:size]) for index in range(old, size)
            ]


@given(grown())
def test_extend_append_and_grow_build_the_same_tree(span: tuple[int, int]) -> None:
    old, size = span
    appended = EMPTY_RANGE
    for leaf in LEAVES[:size]:
        appended = appended.append(leaf)
    before = EMPTY_RANGE.grow(LEAVES[:old])
    assert extend(before, LEAVES[old:size])[0] == appended
    assert before.grow(LEAVES[old:size]) == appended


@given(placed())
def test_inclusion_paths_equal_the_definition_and_verify(place: tuple[int, int]) -> None:
    index, size = place
    path = inclusion_path(LEAVES, index, size)
    assert list(path) == rfc_path(index, LEAVES[:size])
    assert len(path) == path_length(index, size)
    verify_inclusion(LEAVES[index], index, size, path, rfc_root(LEAVES[:size]))


def test_a_path_is_made_from_leaves_that_nobody_holds() -> None:
    size, index = 50_000, 31_234
    tracemalloc.start()
    path = inclusion_path((leaf_hash(b"%d" % n) for n in range(size)), index, size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 1024 * 1024
    root = EMPTY_RANGE.grow([leaf_hash(b"%d" % n) for n in range(size)]).root()
    verify_inclusion(leaf_hash(b"%d" % index), index, size, path, root)


def test_a_path_needs_every_leaf() -> None:
    with pytest.raises(IndexError, match="end after 7"):
        inclusion_path(LEAVES[:7], 2, 8)


@given(grown())
def test_consistency_paths_equal_the_definition_and_verify(span: tuple[int, int]) -> None:
    old, size = span
    path = consistency_path(LEAVES[:size], old)
    assert list(path) == (rfc_proof(old, LEAVES[:size]) if old else [])
    verify_consistency(old, rfc_root(LEAVES[:old]), size, rfc_root(LEAVES[:size]), path)


@given(placed(), st.data())
def test_any_flipped_bit_of_an_inclusion_proof_fails(
    place: tuple[int, int], data: st.DataObject
) -> None:
    index, size = place
    parts = [LEAVES[index], rfc_root(LEAVES[:size]), *inclusion_path(LEAVES, index, size)]
    which = data.draw(st.integers(0, len(parts) - 1))
    parts[which] = flipped(parts[which], data.draw(st.integers(0, 255)))
    with pytest.raises(NotTrustedError) as raised:
        verify_inclusion(parts[0], index, size, parts[2:], parts[1])
    assert raised.value.finding is Finding.ROOT_MISMATCH


@given(placed(), placed())
def test_a_path_proves_no_other_place(place: tuple[int, int], other: tuple[int, int]) -> None:
    index, size = place
    path = inclusion_path(LEAVES, index, size)
    root = rfc_root(LEAVES[: other[1]])
    if place == other:
        verify_inclusion(LEAVES[index], *other, path, root)
        return
    with pytest.raises(NotTrustedError):
        verify_inclusion(LEAVES[index], *other, path, root)


@given(grown(), st.data())
def test_any_flipped_bit_of_a_consistency_proof_fails(
    span: tuple[int, int], data: st.DataObject
) -> None:
    old, size = span
    roots = [rfc_root(LEAVES[:old]), rfc_root(LEAVES[:size])]
    parts = [*roots, *consistency_path(LEAVES[:size], old)]
    # Every tree continues the empty one, so from size 0 only the old root can be wrong.
    which = data.draw(st.integers(0, len(parts) - 1 if old else 0))
    parts[which] = flipped(parts[which], data.draw(st.integers(0, 255)))
    with pytest.raises(NotTrustedError) as raised:
        verify_consistency(old, parts[0], size, parts[1], parts[2:])
    assert raised.value.finding is Finding.FORKED_HISTORY


@given(grown(), st.booleans())
def test_a_consistency_proof_of_the_wrong_length_fails(span: tuple[int, int], longer: bool) -> None:
    old, size = span
    path = consistency_path(LEAVES[:size], old)
    path = (*path, LEAVES[0]) if longer or not path else path[:-1]
    with pytest.raises(NotTrustedError) as raised:
        verify_consistency(old, rfc_root(LEAVES[:old]), size, rfc_root(LEAVES[:size]), path)
    assert raised.value.finding is Finding.FORKED_HISTORY


def test_the_empty_tree_has_one_root_only() -> None:
    verify_consistency(0, EMPTY_ROOT, 3, rfc_root(LEAVES[:3]), ())
    with pytest.raises(NotTrustedError):
        verify_consistency(0, LEAVES[0], 3, rfc_root(LEAVES[:3]), ())
    with pytest.raises(NotTrustedError):
        verify_consistency(0, EMPTY_ROOT, 0, LEAVES[0], ())


def test_a_smaller_tree_is_rolled_back() -> None:
    with pytest.raises(NotTrustedError) as raised:
        verify_consistency(5, rfc_root(LEAVES[:5]), 4, rfc_root(LEAVES[:4]), ())
    assert raised.value.finding is Finding.ROLLED_BACK


@pytest.mark.parametrize("index", [-1, 4, 5])
def test_no_leaf_stands_outside_its_tree(index: int) -> None:
    with pytest.raises(NotTrustedError) as raised:
        verify_inclusion(LEAVES[0], index, 4, (), rfc_root(LEAVES[:4]))
    assert raised.value.finding is Finding.INDEX_BEYOND_SIZE
    with pytest.raises(IndexError, match="of a tree with 4 leaves"):
        inclusion_path(LEAVES, index, 4)


@pytest.mark.parametrize("size", [-1, 5])
def test_no_consistency_path_from_a_size_the_log_never_had(size: int) -> None:
    with pytest.raises(IndexError, match="of a tree with 4 leaves"):
        consistency_path(LEAVES[:4], size)


@given(sizes)
def test_compact_ranges_round_trip(size: int) -> None:
    tree = EMPTY_RANGE.grow(LEAVES[:size])
    assert CompactRange.from_bytes(tree.to_bytes()) == tree


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(9),
        (3).to_bytes(8, "big") + bytes(32),
        (3).to_bytes(8, "big") + bytes(65),
        (2**63).to_bytes(8, "big") + bytes(32),
    ],
)
def test_bytes_of_another_length_are_no_compact_range(data: bytes) -> None:
    with pytest.raises(ValueError, match="no compact range"):
        CompactRange.from_bytes(data)


def test_a_leaf_is_never_a_node() -> None:
    pair = LEAVES[0] + LEAVES[1]
    assert leaf_hash(pair) != node_hash(LEAVES[0], LEAVES[1])


def test_extending_by_nothing_changes_nothing() -> None:
    tree = EMPTY_RANGE.grow(LEAVES[:5])
    assert extend(tree, []) == (tree, [])
    assert tree.grow([]) == tree


def test_the_chain_commits_to_everything_before() -> None:
    first = entry_hash(ZERO_HASH, LEAVES[0])
    assert len(first) == 32
    assert entry_hash(first, LEAVES[1]) != entry_hash(ZERO_HASH, LEAVES[1])
    assert entry_hash(first, LEAVES[1]) != entry_hash(first, LEAVES[2])
