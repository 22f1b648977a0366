"""A Kafka in memory behind the transport driver's own interface to its clients.

It keeps the rules that the driver relies on: a transaction shows all or nothing, a newer
producer of a transactional id fences the older ones, offsets move only with their transaction,
and every transaction leaves a control record in each partition that it touched. Tests make it
lie with `fail_next`.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition

from aegis_streams.transport.outcome import END_OF_PARTITION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aegis_streams.transport.clients import ErrorCallback, KafkaHeaders, RebalanceCallback

Where = tuple[str, int]
Record = tuple[bytes | None, bytes | None]

FENCED: Final = KafkaError(KafkaError.PRODUCER_FENCED, "fenced", fatal=True)
ABORT: Final = KafkaError(KafkaError.ILLEGAL_GENERATION, "generation", txn_requires_abort=True)
RETRY: Final = KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS, "loading", retriable=True)
FATAL: Final = KafkaError(KafkaError.INVALID_TXN_STATE, "state", fatal=True)
UNKNOWN: Final = KafkaError(KafkaError.UNKNOWN, "who knows")


class FakeCluster:
    """Topics, group offsets and transactional ids."""

    def __init__(self, partitions: int = 4) -> None:
        self.partitions = partitions
        self.changed = threading.Condition()
        self.committed: dict[Where, int] = {}
        self.consumers: list[FakeConsumer] = []
        self.calls: list[str] = []
        self.missing: set[str] = set()
        self.members: dict[str, frozenset[int]] = {}
        self._logs: dict[Where, list[Record | None]] = defaultdict(list)
        self._epochs: dict[str, int] = defaultdict(int)
        self._failures: dict[str, deque[KafkaError]] = defaultdict(deque)

    def fail_next(self, call: str, *errors: KafkaError) -> None:
        """Let the next calls of this name raise these errors, one each."""
        self._failures[call].extend(errors)

    def begin_at(self, topics: Sequence[str], offset: int = 0) -> None:
        """Commit a first offset for all partitions of these topics."""
        for topic in topics:
            for partition in range(self.partitions):
                self.committed[topic, partition] = offset

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Write a record outside any transaction."""
        with self.changed:
            self._logs[topic, partition].append((key, value))
            self.changed.notify_all()

    def records(self, topic: str, partition: int) -> list[Record]:
        """Return the committed records of a partition."""
        with self.changed:
            return [record for record in self._logs[topic, partition] if record is not None]

    def table(self, topic: str, partition: int) -> dict[bytes | None, bytes]:
        """Return what a compacted topic amounts to."""
        return {
            key: value
            for key, value in dict(self.records(topic, partition)).items()
            if value is not None
        }

    def end(self, where: Where) -> int:
        """Return the end offset of a partition."""
        return len(self._logs[where])

    def read(self, where: Where, position: int, most: int) -> list[Message]:
        """Return records from a position on, and the end of the partition behind the last."""
        topic, partition = where
        log = self._logs[where]
        found = [
            Message(topic=topic, partition=partition, offset=offset, key=record[0], value=record[1])
            for offset, record in enumerate(log[position : position + most], position)
            if record is not None
        ]
        if position + most >= len(log):
            found.append(end_of(topic, partition, len(log)))
        return found

    def call(self, name: str) -> None:
        """Note a call, and fail it when the test wants that."""
        with self.changed:
            self.calls.append(name)
            if self._failures[name]:
                raise KafkaException(self._failures[name].popleft())

    def fence(self, transactional_id: str) -> int:
        """Return the next epoch of a transactional id."""
        with self.changed:
            self._epochs[transactional_id] += 1
            return self._epochs[transactional_id]

    def commit(
        self,
        transactional_id: str,
        epoch: int,
        records: Sequence[tuple[Where, Record]],
        offsets: Mapping[Where, int],
    ) -> None:
        """Make a transaction visible, all at once."""
        with self.changed:
            if self._epochs[transactional_id] != epoch:
                raise KafkaException(FENCED)
            for where, record in records:
                self._logs[where].append(record)
            for where in {where for where, _ in records}:
                self._logs[where].append(None)
            self.committed.update(offsets)
            self.changed.notify_all()


class FakeConsumer:
    """Member of the group; the test decides about its partitions with `give` and `take`."""

    def __init__(self, cluster: FakeCluster, on_error: ErrorCallback) -> None:
        self.on_error = on_error
        self.assigned: dict[Where, int] = {}
        self.closed = False
        self.generation = 0
        self._cluster = cluster
        self._ended: set[tuple[str, int, int]] = set()
        self._rebalances: deque[Callable[[], None]] = deque()
        self._callbacks: dict[str, RebalanceCallback] = {}

    def subscribe(
        self,
        topics: list[str],
        on_assign: RebalanceCallback,
        on_revoke: RebalanceCallback,
        on_lost: RebalanceCallback,
    ) -> None:
        self._topic = topics[0]
        self._callbacks = {"give": on_assign, "take": on_revoke, "lose": on_lost}

    def rebalance(self, kind: str, partitions: Sequence[int]) -> None:
        """Let the next poll call a rebalance callback: "give", "take" or "lose"."""

        def run() -> None:
            self.generation += 1
            self._callbacks[kind](self, [TopicPartition(self._topic, p) for p in partitions])

        with self._cluster.changed:
            self._rebalances.append(run)
            self._cluster.changed.notify_all()

    def poll(self, timeout: float) -> Message | None:
        while self._rebalances:
            self._rebalances.popleft()()
        with self._cluster.changed:
            found = self._next(1)
            if not found:
                self._cluster.changed.wait(timeout)
                found = self._next(1)
        return found[0] if found else None

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        del timeout
        with self._cluster.changed:
            return self._next(num_messages)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        for tp in partitions:
            if (tp.topic, tp.partition) in self.assigned:
                raise AssertionError(f"{tp} is assigned already")
            self.assigned[tp.topic, tp.partition] = tp.offset

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        for tp in partitions:
            del self.assigned[tp.topic, tp.partition]

    def consumer_group_metadata(self) -> object:
        if not self.generation:
            raise RuntimeError("Consumer group metadata not available")
        return object()

    def close(self) -> None:
        self._callbacks["take"](self, [TopicPartition(self._topic, p) for _, p in self.assigned])
        self.closed = True

    def _next(self, most: int) -> list[Message]:
        found: list[Message] = []
        for where, position in self.assigned.items():
            if len(found) >= most:
                break
            read = self._cluster.read(where, position, most - len(found))
            fresh = [m for m in read if m.error() is None or self._first_end(m)]
            found += fresh
            last = [m.offset() or 0 for m in fresh if m.error() is None]
            if last:
                self.assigned[where] = last[-1] + 1
        return found

    def _first_end(self, message: Message) -> bool:
        mark = (message.topic() or "", message.partition() or 0, message.offset() or 0)
        known = mark in self._ended
        self._ended.add(mark)
        return not known


class FakeProducer:
    """Transactional producer."""

    def __init__(self, cluster: FakeCluster, transactional_id: str) -> None:
        self.closed = False
        self.full = 0
        self._cluster = cluster
        self._id = transactional_id
        self._epoch = 0
        self._open = False
        self._records: list[tuple[Where, Record]] = []
        self._offsets: dict[Where, int] = {}

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        *,
        headers: KafkaHeaders | None = None,
    ) -> None:
        del headers
        if self.full:
            self.full -= 1
            raise BufferError
        self._cluster.call("produce")
        if not self._open:
            raise AssertionError(f"{topic}: produced outside a transaction")
        self._records.append(((topic, partition), (key, value)))

    def poll(self, timeout: float) -> int:
        del timeout
        return 0

    def init_transactions(self, timeout: float) -> None:
        del timeout
        self._cluster.call("init_transactions")
        self._epoch = self._cluster.fence(self._id)

    def begin_transaction(self) -> None:
        if self._open:
            raise AssertionError("a transaction is open already")
        self._open = True

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: object, timeout: float
    ) -> None:
        del group_metadata, timeout
        self._cluster.call("send_offsets")
        self._offsets = {(tp.topic, tp.partition): tp.offset for tp in positions}

    def commit_transaction(self, timeout: float) -> None:
        del timeout
        self._cluster.call("commit")
        self._cluster.commit(self._id, self._epoch, self._records, self._offsets)
        self._end()

    def abort_transaction(self, timeout: float) -> None:
        del timeout
        self._cluster.call("abort")
        self._end()

    def close(self) -> object:
        self.closed = True
        return True

    def _end(self) -> None:
        self._open = False
        self._records, self._offsets = [], {}


class FakeReader:
    """Reads changelogs and committed offsets."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.closed = False
        self._cluster = cluster
        self._pending: deque[Message] = deque()

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        del timeout
        self._cluster.call("committed")
        known = self._cluster.committed
        return [
            TopicPartition(tp.topic, tp.partition, known.get((tp.topic, tp.partition), -1001))
            for tp in partitions
        ]

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._pending.clear()
        for tp in partitions:
            if tp.offset != OFFSET_BEGINNING:
                raise AssertionError(f"{tp}: changelogs are read from the beginning")
            where = (tp.topic, tp.partition)
            self._pending.extend(self._cluster.read(where, 0, self._cluster.end(where) + 1))

    def poll(self, timeout: float) -> Message | None:
        del timeout
        return self._pending.popleft() if self._pending else None

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        del timeout
        return [self._pending.popleft() for _ in range(min(num_messages, len(self._pending)))]

    def close(self) -> None:
        self.closed = True


class FakeClients:
    """The clients of one worker."""

    def __init__(self, cluster: FakeCluster, group: str) -> None:
        self.cluster = cluster
        self.group_consumer: FakeConsumer | None = None
        self.producers: dict[int, FakeProducer] = {}
        self._group = group

    def consumer(self, on_error: ErrorCallback) -> FakeConsumer:
        self.group_consumer = FakeConsumer(self.cluster, on_error)
        return self.group_consumer

    def producer(self, partition: int, on_error: ErrorCallback) -> FakeProducer:
        del on_error
        self.producers[partition] = FakeProducer(self.cluster, f"{self._group}-{partition}")
        return self.producers[partition]

    def reader(self, partition: int) -> FakeReader:
        del partition
        return FakeReader(self.cluster)

    def end_offsets(
        self, partitions: Sequence[Where], *, committed: bool, timeout: float
    ) -> Mapping[Where, int]:
        del committed, timeout
        self.cluster.call("end_offsets")
        return {where: self.cluster.end(where) for where in partitions}

    def partition_counts(self, topics: Sequence[str], timeout: float) -> Mapping[str, int]:
        del timeout
        missing = self.cluster.missing
        return {t: 0 if t in missing else self.cluster.partitions for t in topics}

    def members(self, timeout: float) -> Mapping[str, frozenset[int]]:
        del timeout
        self.cluster.call("members")
        return self.cluster.members

    def rebalance(self, topic: str, timeout: float) -> None:
        del topic, timeout
        self.cluster.call("rebalance")


def end_of(topic: str, partition: int, offset: int) -> Message:
    """Return the event that a reader gets at the end of a partition."""
    return Message(
        topic=topic, partition=partition, offset=offset, error=KafkaError(END_OF_PARTITION)
    )
