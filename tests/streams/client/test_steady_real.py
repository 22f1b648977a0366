"""The steady consumer over a real broker; what stands still is a partition paused below it."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from aegis_streams.client.kafka import open_consumer
from aegis_streams.client.steady import LOOK_SECONDS, SteadyConsumer
from aegis_streams.stack.processes import wait_until
from support.stack import unique

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.stack import RunningStack

pytestmark = pytest.mark.stack

DEADLINE: Final = 30.0


class Scene:
    """A topic with one partition, a producer, and a steady consumer with a clock of its own."""

    def __init__(self, stack: RunningStack, group: str | None = None) -> None:
        self.now = 0.0
        self.topic = stack.topic("steady", 1)
        self.opened: list[Consumer] = []
        self._open = partial(open_consumer, stack.bootstrap, group, reports_ends=True)
        self.steady = SteadyConsumer(self.reopen(), self.reopen, self.topic, lambda: self.now)
        self._producer = Producer(
            {"bootstrap.servers": stack.bootstrap, "transactional.id": self.topic}
        )
        self._producer.init_transactions(DEADLINE)

    def reopen(self) -> Consumer:
        self.opened.append(self._open())
        return self.opened[-1]

    def send(self, *values: str, commit: bool = True) -> None:
        self._producer.begin_transaction()
        for value in values:
            self._producer.produce(self.topic, value, partition=0)
        self._producer.flush(DEADLINE)
        if commit:
            self._producer.commit_transaction(DEADLINE)

    def read(self, count: int) -> list[str]:
        found: list[str] = []

        def enough() -> bool:
            for each in self.steady.consume(100, 0.2):
                assert each.error() is None
                found.append((each.value() or b"").decode())
            return len(found) >= count

        assert wait_until(enough, DEADLINE), found
        return found

    def look(self) -> None:
        """Read until the end was reached, then let two looks become due."""
        assert self.steady.consume(100, 1) == []
        for _ in range(2):
            self.now += LOOK_SECONDS
            assert self.steady.consume(100, 0.2) == []

    def pause(self) -> None:
        self.opened[-1].pause([TopicPartition(self.topic, 0)])


def test_a_reader_goes_on_where_it_stood_still(stack: RunningStack) -> None:
    scene = Scene(stack)
    with closing(scene.steady):
        scene.steady.assign([TopicPartition(scene.topic, 0, 0)])
        scene.send("a", "b")
        assert scene.read(2) == ["a", "b"]
        scene.look()
        assert len(scene.opened) == 1, "a marker of a transaction is no record to wait for"
        scene.pause()
        scene.send("c")
        scene.look()
        assert len(scene.opened) == 2
        assert scene.read(1) == ["c"]


def test_an_open_transaction_is_waited_for(stack: RunningStack) -> None:
    scene = Scene(stack)
    with closing(scene.steady):
        scene.steady.assign([TopicPartition(scene.topic, 0, 0)])
        scene.send("a")
        scene.send("b", commit=False)
        assert scene.read(1) == ["a"]
        scene.look()
        assert len(scene.opened) == 1


def test_a_member_goes_on_from_the_offsets_of_its_group(stack: RunningStack) -> None:
    scene = Scene(stack, unique("group"))
    told: list[str] = []

    def given(_kafka: Consumer, _partitions: Iterable[TopicPartition]) -> None:
        told.append("given")

    def gone(_kafka: Consumer, _partitions: Iterable[TopicPartition]) -> None:
        told.append("gone")

    with closing(scene.steady):
        first = TopicPartition(scene.topic, 0, 0)
        scene.steady.commit(offsets=[first], asynchronous=False)
        scene.steady.subscribe(given, gone)
        scene.send("a", "b")
        assert scene.read(2) == ["a", "b"]
        scene.steady.commit(offsets=[TopicPartition(scene.topic, 0, 1)], asynchronous=False)
        scene.pause()
        scene.send("c")
        scene.look()
        assert scene.read(2) == ["b", "c"]
        assert told == ["given", "gone", "given"]
        assert len(scene.opened) == 2
