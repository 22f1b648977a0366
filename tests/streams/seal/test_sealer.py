from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_RANGE, root_of, verify_inclusion
from aegis_codecs.log.receipt import parse_receipt
from aegis_streams.errors import ContinuityError
from aegis_streams.seal.sealer import KEEP_LEAVES, Sealer
from aegis_streams.seal.tree import TreeState
from support.entries import LOG, entries

if TYPE_CHECKING:
    from aegis_codecs.records.audit import AuditEntry


class Witnessed:
    """A sealer that writes down what it records and signs, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Checkpoint]] = []
        self.sealer = Sealer(
            TreeState(LOG, EMPTY_RANGE, ZERO_HASH, 0),
            lambda checkpoint: self.events.append(("record", checkpoint)),
            self._sign,
        )

    def _sign(self, checkpoint: Checkpoint) -> bytes:
        self.events.append(("sign", checkpoint))
        return checkpoint.text() + b"\nsigned\n"


@given(st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=8))
def test_any_cut_seals_the_same_tree(cuts: list[int]) -> None:
    log = entries(sum(cuts))
    witnessed, taken = Witnessed(), 0
    for cut in cuts:
        batch = log[taken : taken + cut]
        taken += cut
        sealed = witnessed.sealer.seal(batch, taken)
        root = root_of([entry.leaf_hash for entry in log[:taken]])
        assert sealed.checkpoint == Checkpoint(LOG, taken, root)
        decisions = [entry for entry in batch if entry.kind == "DecisionMade"]
        assert [entry for entry, _ in sealed.decisions] == decisions
        for entry, receipt in sealed.decisions:
            proof = parse_receipt(receipt)
            assert proof.index == entry.sequence
            verify_inclusion(entry.leaf_hash, proof.index, taken, proof.path, root)


def test_it_is_on_disk_before_it_is_signed() -> None:
    witnessed = Witnessed()
    witnessed.sealer.seal(entries(3), 3)
    (first, recorded), (second, signed) = witnessed.events
    assert (first, second) == ("record", "sign")
    assert recorded == signed


def changed(entry: AuditEntry, **fields: Any) -> AuditEntry:
    return entry._replace(**fields)


LIES: dict[str, AuditEntry] = {
    "another_log": changed(entries(4)[3], log="aegis/test/1/1"),
    "gap": entries(5)[4],
    "repeat": entries(4)[2],
    "body_changed": changed(entries(4)[3], body=b"leaf 4"),
    "leaf_hash_changed": changed(entries(4)[3], leaf_hash=bytes(32)),
    "link_broken": changed(entries(4)[3], previous_hash=bytes(32)),
    "entry_hash_changed": changed(entries(4)[3], entry_hash=bytes(32)),
    "other_history": entries(4, text="lie")[3],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_never_signed(lie: str) -> None:
    witnessed = Witnessed()
    before = replace(witnessed.sealer.state)
    with pytest.raises(ContinuityError, match=LOG):
        witnessed.sealer.seal([*entries(3), LIES[lie]], 4)
    assert witnessed.events == []
    assert witnessed.sealer.state == before


def test_checkpoints_are_kept_each_minute_and_for_control_leaves() -> None:
    log = entries(200)
    sealer = Witnessed().sealer
    kept = [sealer.seal([entry], number + 1).keep for number, entry in enumerate(log)]
    assert [number for number, keep in enumerate(kept) if keep] == [0, 60, 120, 180]


def test_checkpoints_are_kept_every_ten_thousand_leaves() -> None:
    log = [changed(entry, time=0) for entry in entries(KEEP_LEAVES + 3)]
    sealer = Witnessed().sealer
    assert sealer.seal(log[:1], 1).keep
    assert not sealer.seal(log[1:KEEP_LEAVES], KEEP_LEAVES).keep
    assert sealer.seal(log[KEEP_LEAVES : KEEP_LEAVES + 1], KEEP_LEAVES + 1).keep


def test_state_survives_its_bytes() -> None:
    sealer = Witnessed().sealer
    sealer.seal(entries(5), 9)
    assert TreeState.from_bytes(sealer.state.to_bytes()) == sealer.state
    with pytest.raises(ContinuityError, match="unreadable"):
        TreeState.from_bytes(b"{}")
