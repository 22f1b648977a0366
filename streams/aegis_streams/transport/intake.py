"""What is fetched: the active partitions, their positions, and the way of a record to its lane."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException, TopicPartition

from aegis_streams.transport.errors import FaultError
from aegis_streams.transport.outcome import END_OF_PARTITION
from aegis_streams.transport.transaction import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from confluent_kafka import Message

    from aegis_streams.transport.clients import GroupConsumer
    from aegis_streams.transport.hooks import Observer
    from aegis_streams.transport.lane import Lane
    from aegis_streams.transport.settings import TransportSettings

_log = logging.getLogger(__name__)

_POLL: Final = 0.05
_REST: Final = 0.005
_PARK_AFTER: Final = 1.0
"""Seconds with full buffers after which partitions are parked and polling goes on."""


class Intake:
    """Fetches for the active lanes; used by the poll thread alone, except where noted.

    Args:
        settings: How much may be fetched ahead.
        topics: The subscribed topic and its siblings.
        observer: Told which partitions are active.
    """

    def __init__(
        self, settings: TransportSettings, topics: tuple[str, ...], observer: Observer
    ) -> None:
        self.parked = False
        self.positions: dict[tuple[str, int], int] = {}
        """Next offset to fetch per topic and partition; other threads may copy it."""
        self._settings = settings
        self._topics = topics
        self._observer = observer
        self._active: dict[int, Lane] = {}
        self._fetched: set[int] = set()
        self._overfull_since: float | None = None

    def add(self, consumer: GroupConsumer, lane: Lane) -> None:
        """Fetch a lane's partition from its offsets on."""
        for topic, offset in lane.offsets.items():
            self.positions[topic, lane.partition] = offset
        self._active[lane.partition] = lane
        self._choose(consumer)
        self._observer.owned(frozenset(self._active))

    def remove(self, consumer: GroupConsumer, partitions: Iterable[int]) -> None:
        """Fetch these partitions no longer; those that are not active are passed over."""
        gone = [partition for partition in partitions if partition in self._active]
        consumer.incremental_unassign(self._assignment(self._fetched.intersection(gone)))
        self._fetched.difference_update(gone)
        for partition in gone:
            del self._active[partition]
            for topic in self._topics:
                del self.positions[topic, partition]
        self._observer.owned(frozenset(self._active))

    def rests(self, consumer: GroupConsumer) -> bool:
        """Return whether enough is fetched ahead; if so, this round of polling is done.

        When nobody takes records for a while, partitions are parked: unassigned, so that polls
        bring no records and can go on. They are assigned again at the same positions. So is a
        single partition whose records the application withholds.
        """
        if not self._overfull():
            self._overfull_since = None
            self.parked = False
            self._choose(consumer)
            return False
        now = time.monotonic()
        if self._overfull_since is None:
            self._overfull_since = now
        if now - self._overfull_since < _PARK_AFTER:
            time.sleep(_REST)
            return True
        self.parked = True
        self._choose(consumer)
        self.fetch(consumer)
        return True

    def _choose(self, consumer: GroupConsumer) -> None:
        """Assign to the fetcher what is to be fetched, and nothing else."""
        lanes = () if self.parked else self._active.values()
        wanted = {lane.partition for lane in lanes if not lane.withheld}
        stop, start = self._fetched - wanted, wanted - self._fetched
        if stop:
            consumer.incremental_unassign(self._assignment(stop))
        if start:
            consumer.incremental_assign(self._assignment(start))
        self._fetched = wanted

    def fetch(self, consumer: GroupConsumer) -> None:
        """Poll once and hand what came to the lanes."""
        first = consumer.poll(_POLL)
        if first is not None:
            self.route([first, *consumer.consume(self._settings.batch_records, 0)])

    def route(self, records: list[Message]) -> None:
        """Hand records to their lanes; those of partitions that are not fetched are dropped.

        Raises:
            FaultError: An offset came twice, or the consumer reports an error.
        """
        by_partition: dict[int | None, list[Message]] = {}
        ends: list[Message] = []
        for record in records:
            if record.error() is not None:
                ends.append(record)
                continue
            partition = record.partition()
            if partition in by_partition:
                by_partition[partition].append(record)
            else:
                by_partition[partition] = [record]
        for partition, routed in by_partition.items():
            if partition in self._fetched:
                self._advance(partition, routed)
                self._active[partition].buffer.offer(routed)
        for record in ends:
            self._note(record)

    def _overfull(self) -> bool:
        # A withheld partition is fetched no further and must not hold up the others.
        buffers = [lane.buffer for lane in self._active.values() if not lane.withheld]
        records = sum(buffer.records for buffer in buffers)
        size = sum(buffer.size for buffer in buffers)
        return records >= self._settings.buffer_records or size >= self._settings.buffer_bytes

    def _advance(self, partition: int, records: list[Message]) -> None:
        first = {m.topic(): m.offset() for m in reversed(records)}
        last = {m.topic(): m.offset() for m in records}
        for topic, offset in last.items():
            start = first[topic]
            if topic is None or offset is None or start is None:
                raise FaultError(f"a record of partition {partition} has no coordinates")
            expected = self.positions[topic, partition]
            if start < expected:
                raise FaultError(
                    f"{topic} {partition}: offset {start} came again, {expected} was expected"
                )
            self.positions[topic, partition] = offset + 1

    def _note(self, record: Message) -> None:
        error = record.error()
        if error is None:
            return
        if error.code() == END_OF_PARTITION:
            where = (record.topic() or "", record.partition() or 0)
            if where[1] in self._fetched:
                self.positions[where] = max(self.positions[where], record.offset() or 0)
        elif error.retriable() and not error.fatal():
            _log.warning("consumer: %s", error)
        else:
            raise fault_of(KafkaException(error), "consumer")

    def _assignment(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [
            TopicPartition(topic, partition, self.positions[topic, partition])
            for partition in partitions
            for topic in self._topics
        ]
