from __future__ import annotations

from collections import deque

import pytest
from confluent_kafka import KafkaError, Message, TopicPartition

from aegis_streams.transport import RestoreError
from aegis_streams.transport.restore import RestoreCancelledError, Restorer
from support.transport_fakes import FakeCluster, FakeReader, end_of


class ScriptedReader(FakeReader):
    """Returns what the test prepared, and nothing afterwards."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__(FakeCluster())
        self.messages = deque(messages)

    def assign(self, partitions: list[TopicPartition]) -> None:
        del partitions

    def poll(self, timeout: float) -> Message | None:
        del timeout
        return self.messages.popleft() if self.messages else None


def restorer(reader: FakeReader, *, cancelled: bool = False) -> Restorer:
    return Restorer(reader, timeout=10.0, stall_timeout=0.05, cancelled=lambda: cancelled)


def change(offset: int, key: bytes, value: bytes | None) -> Message:
    return Message(topic="log", partition=2, offset=offset, key=key, value=value)


def test_the_last_value_of_each_key_counts_and_tombstones_remove() -> None:
    reader = ScriptedReader(
        [
            change(0, b"a", b"1"),
            change(1, b"b", b"1"),
            change(3, b"a", b"2"),
            change(4, b"b", None),
            end_of("log", 2, 6),
        ]
    )
    made = restorer(reader)
    assert made.run(2, {"log": 6}) == {"log": {b"a": b"2"}}
    assert made.records == 4


def test_the_position_counts_not_the_last_record() -> None:
    # Two control records follow the only change; a first end event comes before them.
    reader = ScriptedReader([change(0, b"a", b"1"), end_of("log", 2, 1), end_of("log", 2, 3)])
    assert restorer(reader).run(2, {"log": 3}) == {"log": {b"a": b"1"}}


def test_an_end_that_is_never_reached_is_a_fault_not_an_empty_table() -> None:
    reader = ScriptedReader([change(0, b"a", b"1"), end_of("log", 2, 1)])
    with pytest.raises(RestoreError, match="1 records so far"):
        restorer(reader).run(2, {"log": 3})


def test_an_empty_changelog_needs_no_reading() -> None:
    assert restorer(ScriptedReader([])).run(2, {"log": 0}) == {"log": {}}


def test_an_error_of_the_reader_is_a_fault() -> None:
    lost = Message(
        topic="log", partition=2, offset=0, error=KafkaError(KafkaError.OFFSET_OUT_OF_RANGE)
    )
    with pytest.raises(RestoreError, match="compacted only"):
        restorer(ScriptedReader([lost])).run(2, {"log": 3})


def test_a_partition_that_was_taken_away_is_not_restored_further() -> None:
    with pytest.raises(RestoreCancelledError):
        restorer(ScriptedReader([]), cancelled=True).run(2, {"log": 3})


def test_several_tables_are_restored_together() -> None:
    cluster = FakeCluster()
    for number in range(5):
        cluster.append("heads", 1, b"h", b"%d" % number)
        cluster.append("drift", 1, b"d%d" % number, b"x")
    content = restorer(FakeReader(cluster)).run(1, {"heads": 5, "drift": 5})
    assert content["heads"] == {b"h": b"4"}
    assert len(content["drift"]) == 5
