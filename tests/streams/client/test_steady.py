"""Who stands still is noticed and made anew; who only waits is left alone."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from aegis_streams.client.kafka import PARTITION_EOF, Record
from aegis_streams.client.steady import LOOK_SECONDS, SteadyConsumer
from aegis_streams.errors import UnavailableError
from support.decisions import as_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_streams.client.steady import Change

TOPIC = "t"


class FakeReader:
    """Hands out what the test puts in; says where the partitions end."""

    def __init__(self, ends: dict[int, int]) -> None:
        self.ends = ends
        self.silent = False
        self.closed = False
        self.asked = 0
        self.assigned: dict[int, int] = {}
        self.inbox: deque[Message] = deque()
        self.committed: list[TopicPartition] = []
        self._gone: Change | None = None

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = {each.partition: each.offset for each in partitions}

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, each) for each in self.assigned]

    def subscribe(
        self, topics: list[str], on_assign: Change, on_revoke: Change, on_lost: Change
    ) -> None:
        assert topics == [TOPIC]
        assert on_lost == on_revoke
        self._gone = on_revoke
        self.assign([TopicPartition(TOPIC, each) for each in self.ends])
        on_assign(self, self.assignment())  # type: ignore[arg-type]  # a fake

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float
    ) -> tuple[int, int] | None:
        assert timeout > 0
        self.asked += 1
        if self.silent:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
        return 0, self.ends[partition.partition]

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        assert timeout > 0
        return [self.inbox.popleft() for _ in range(min(num_messages, len(self.inbox)))]

    def commit(
        self, *, offsets: list[TopicPartition], asynchronous: Literal[False]
    ) -> list[TopicPartition]:
        assert not asynchronous
        self.committed = offsets
        return offsets

    def close(self) -> None:
        self.closed = True
        if self._gone is not None:
            self._gone(self, self.assignment())  # type: ignore[arg-type]  # a fake


class Scene:
    """A steady consumer over fakes, and a clock."""

    def __init__(self, **ends: int) -> None:
        self.ends = {int(name[1:]): end for name, end in ends.items()}
        self.now = 0.0
        self.nobody_listens = False
        self.readers = [FakeReader(self.ends)]
        self.steady = SteadyConsumer(self.readers[0], self._open, TOPIC, lambda: self.now)

    def _open(self) -> FakeReader:
        if self.nobody_listens:
            raise UnavailableError("nothing listens there")
        self.readers.append(FakeReader(self.ends))
        return self.readers[-1]

    def assign(self) -> None:
        self.steady.assign([TopicPartition(TOPIC, each, 0) for each in self.ends])

    def arrives(self, *messages: Message, reader: int = 0) -> list[Message]:
        self.readers[reader].inbox.extend(messages)
        return self.steady.consume(10, 1)

    def later(self) -> None:
        """Let a look become due, and read nothing."""
        self.now += LOOK_SECONDS
        assert self.steady.consume(10, 1) == []


def record(partition: int, offset: int) -> Message:
    return as_message(Record(TOPIC, partition, offset, b"k", b"v"))


def end(partition: int, offset: int) -> Message:
    error = KafkaError(PARTITION_EOF)
    return Message(topic=TOPIC, partition=partition, offset=offset, error=error)


def test_a_reader_that_stays_behind_is_made_anew_where_it_stopped() -> None:
    scene = Scene(p0=2, p1=1)
    scene.assign()
    assert len(scene.arrives(record(0, 0), record(0, 1), record(1, 0))) == 3
    scene.ends[0] = 5
    scene.later()
    assert len(scene.readers) == 1, "it was behind once: it may be reading"
    scene.later()
    first, second = scene.readers
    assert first.closed
    assert second.assigned == {0: 2, 1: 1}
    assert not second.closed


def test_a_member_that_hears_nothing_is_made_anew_and_told_what_it_lost() -> None:
    scene = Scene(p0=0)
    told: list[str] = []

    def given(_kafka: object, partitions: Sequence[TopicPartition]) -> None:
        told.extend(f"given {each.partition}" for each in partitions)

    def gone(_kafka: object, partitions: Sequence[TopicPartition]) -> None:
        told.extend(f"gone {each.partition}" for each in partitions)

    scene.steady.subscribe(given, gone)
    scene.later()
    scene.later()
    assert told == ["given 0", "gone 0", "given 0"], "not even the end of an empty partition came"
    assert scene.arrives(end(0, 0), reader=1) == []
    for _ in range(3):
        scene.later()
    assert len(scene.readers) == 2, "it knows the end now"


def test_the_end_of_a_partition_is_reached_without_a_record() -> None:
    scene = Scene(p0=3)
    scene.assign()
    assert [each.offset() for each in scene.arrives(record(0, 1), end(0, 3))] == [1]
    for _ in range(3):
        scene.later()
    assert len(scene.readers) == 1


def test_slow_progress_is_no_standstill() -> None:
    scene = Scene(p0=9)
    scene.assign()
    for offset in range(4):
        scene.now += LOOK_SECONDS
        assert len(scene.arrives(record(0, offset))) == 1
    assert len(scene.readers) == 1


def test_while_records_wait_here_nobody_asks() -> None:
    scene = Scene(p0=99, p1=99)
    scene.assign()
    for begin in range(0, 40, 10):
        scene.now += LOOK_SECONDS
        found = scene.arrives(*(record(0, begin + each) for each in range(10)))
        assert len(found) == 10
    assert scene.readers[0].asked == 0


def test_a_client_without_an_answer_asks_through_a_new_one() -> None:
    scene = Scene(p0=4)
    scene.assign()
    scene.readers[0].silent = True
    scene.later()
    assert [each.closed for each in scene.readers] == [False, True], "the second only asked"
    scene.later()
    assert [each.closed for each in scene.readers] == [True, True, True, False]
    assert scene.readers[-1].assigned == {0: 0}


def test_a_broker_that_is_away_proves_nothing() -> None:
    scene = Scene(p0=4)
    scene.assign()
    scene.readers[0].silent = scene.nobody_listens = True
    for _ in range(3):
        scene.later()
    assert len(scene.readers) == 1
    assert not scene.readers[0].closed


def test_a_broker_that_goes_just_then_is_waited_for() -> None:
    scene = Scene(p0=4)
    scene.assign()
    scene.later()
    scene.nobody_listens = True
    scene.later()
    assert not scene.readers[0].closed
    scene.nobody_listens = False
    scene.later()
    assert scene.readers[0].closed


def test_a_partition_that_went_to_another_member_is_nobodys_standstill() -> None:
    scene = Scene(p0=4, p1=0)
    scene.assign()
    scene.later()
    scene.readers[0].assigned.pop(0)
    scene.arrives(end(1, 0))
    scene.later()
    assert len(scene.readers) == 1


def test_commits_and_close_go_to_the_client_of_the_moment() -> None:
    scene = Scene(p0=4)
    scene.assign()
    scene.later()
    scene.later()
    offsets = [TopicPartition(TOPIC, 0, 1)]
    assert scene.steady.commit(offsets=offsets, asynchronous=False) == offsets
    scene.steady.close()
    first, second = scene.readers
    assert (first.committed, second.committed) == ([], offsets)
    assert second.closed
