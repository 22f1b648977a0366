"""Random logs, one random change: the judge finds it and names the record."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.records.wire import HEADER_SIZE
from support.memory_log import PROPOSALS, TOPICS, MemoryLog, memory_log, sample_values

if TYPE_CHECKING:
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.task import Judged

CHANGED = (TOPICS.audit, TOPICS.decisions, PROPOSALS, TOPICS.checkpoints)


@cache
def true_log(length: int) -> MemoryLog:
    return memory_log(sample_values(length), batch=1 + length % 5)


def names(found: Judged, topic: str, offset: int) -> bool:
    """Tell whether a finding points at the record, or at the leaf of that number."""
    return any(
        (each.where.get("topic") == topic and each.where.get("offset") == offset)
        or (topic == TOPICS.audit and each.where.get("sequence") == offset)
        for each in found.findings
    )


@given(length=st.integers(0, 24))
@settings(max_examples=20)
def test_a_true_log_is_believed(length: int) -> None:
    found = true_log(length).judge()
    assert found.findings == []
    assert found.figures["inputs"] == length


@given(length=st.integers(1, 24), topic=st.sampled_from(CHANGED), data=st.data())
@settings(max_examples=150)
def test_a_flipped_bit_is_found_and_its_record_named(
    length: int, topic: str, data: st.DataObject
) -> None:
    log = deepcopy(true_log(length))
    records = log.records[topic]
    number = data.draw(st.integers(0, len(records) - 1))
    offset, stamp, key, value = records[number]
    flipped = bytearray(value or b"")
    # Schema ids are the registry's affair; `keep`, the last byte of a checkpoint, is no evidence.
    start = 0 if topic == PROPOSALS else HEADER_SIZE
    place = data.draw(st.integers(start, len(flipped) - 2))
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    records[number] = (offset, stamp, key, bytes(flipped))
    assert names(log.judge(), topic, offset)


@given(length=st.integers(2, 24), topic=st.sampled_from(CHANGED[:3]), data=st.data())
@settings(max_examples=60)
def test_a_record_removed_doubled_or_moved_is_found(
    length: int, topic: str, data: st.DataObject
) -> None:
    log = deepcopy(true_log(length))
    records = log.records[topic]
    number = data.draw(st.integers(0, len(records) - 1))
    kind = data.draw(st.sampled_from(["removed", "doubled", "moved"]))
    if kind == "removed":
        del records[number]
    elif kind == "doubled":
        records.insert(number + 1, records[number])
    else:
        records.insert(data.draw(st.integers(0, len(records) - 1)), records.pop(number))
    log.records[topic] = records = renumbered(records)
    true = true_log(length).records[topic]
    if topic == PROPOSALS and records[: len(true)] == true:
        assert log.judge().figures["inputs waiting"] == len(records) - len(true)
    else:
        assert log.judge().findings or [each[2:] for each in records] == [each[2:] for each in true]


def renumbered(records: list[Raw]) -> list[Raw]:
    """Return the records as a topic would hold them, with offsets of its own."""
    return [(n, *each[1:]) for n, each in enumerate(records)]


def test_memory_of_a_position_is_enough_to_go_on() -> None:
    whole = memory_log(sample_values(40))
    cut = MemoryLog({topic: records[:20] for topic, records in whole.records.items()})
    cut.records[TOPICS.checkpoints] = whole.records[TOPICS.checkpoints][:5]
    assert cut.judge(keep=True).findings == []
    assert cut.position is not None
    assert cut.position.size == 20
    found = whole.judge(keep=True, position=cut.position)
    assert found.findings == []
    assert "goes on from leaf 20, verified by a run before" in found.told
    assert found.figures["inputs"] == len(whole.records[PROPOSALS]) - 19
    everything = whole.judge(keep=True)
    assert whole.position == everything.position
