from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_streams.transport import OutsideBatchError, PartitionState

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=3)), max_size=12)


def change(state: PartitionState, key: bytes, value: bytes | None) -> None:
    if value is None:
        state.delete(key)
    else:
        state.put(key, value)


@given(st.lists(st.tuples(CHANGES, st.booleans()), max_size=6))
def test_committed_batches_count_and_undone_ones_never_were(
    batches: list[tuple[list[tuple[bytes, bytes | None]], bool]],
) -> None:
    state, truth = PartitionState("counts"), dict[bytes, bytes]()
    for changes, commit in batches:
        seen = dict(truth)
        state.open()
        for key, value in changes:
            change(state, key, value)
            if value is None:
                seen.pop(key, None)
            else:
                seen[key] = value
            assert dict(state.items()) == seen
            assert len(state) == len(seen)
            assert {k: state.get(k) for k in (b"a", b"b", b"c", b"d")} == {
                k: seen.get(k) for k in (b"a", b"b", b"c", b"d")
            }
            assert (key in state) is (key in seen)
        assert dict(state.changes()) == dict(changes)
        if commit:
            state.merge()
            truth = seen
        else:
            state.drop()
        assert dict(state.items()) == truth


def test_restored_content_is_the_base() -> None:
    state = PartitionState("counts", {b"k": b"7"})
    assert state.get(b"k") == b"7"
    assert list(state.changes()) == []


def test_nothing_is_written_outside_a_batch() -> None:
    state = PartitionState("counts")
    with pytest.raises(OutsideBatchError, match="counts"):
        state.put(b"k", b"1")
    state.open()
    state.merge()
    with pytest.raises(OutsideBatchError, match="delete"):
        state.delete(b"k")
