"""The typed seam to the Kafka clients: what the driver needs of them, and how they are set up."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from aegis_streams.kafka.connection import connection
from aegis_streams.transport.quiet import RepeatFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import Message

    from aegis_streams.transport.settings import TransportSettings

    RebalanceCallback = Callable[["GroupConsumer", list[TopicPartition]], None]
    ErrorCallback = Callable[[KafkaError], None]
    KafkaHeaders = list[tuple[str, bytes | str | None]]

_log = logging.getLogger(__name__)
_log.addFilter(RepeatFilter(5.0))

_FETCH_BYTES: Final = 1024 * 1024
_READ_AHEAD_KIB: Final = 32 * 1024
_READ_AHEAD_RECORDS: Final = 50_000
_QUEUE_KIB: Final = 512 * 1024
_VISIT_POLL: Final = 0.1
_STABLE: Final = "Stable"
_MEMBER_SUFFIX: Final = len("-00000000-0000-0000-0000-000000000000")
"""What the broker puts behind an instance id (else the client's) to make a member's id."""
_IDLE_MS: Final = 2_000
_REFRESH_MS: Final = 3_000
"""Longer than `_IDLE_MS`, or the refreshes themselves would keep connections from being idle."""


class GroupConsumer(Protocol):
    """The consumer that is a member of the group."""

    def subscribe(
        self,
        topics: list[str],
        on_assign: RebalanceCallback,
        on_revoke: RebalanceCallback,
        on_lost: RebalanceCallback,
    ) -> None:
        """Join the group."""

    def poll(self, timeout: float) -> Message | None:
        """Return the next record as soon as there is one, or None."""

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        """Return what has been fetched already."""

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Fetch these partitions too."""

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        """Fetch these partitions no longer."""

    def consumer_group_metadata(self) -> object:
        """Return member and generation; RuntimeError while there are none."""

    def close(self) -> None:
        """Leave; calls the revoke callback."""


class TxProducer(Protocol):
    """The transactional producer of one input partition."""

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        *,
        headers: KafkaHeaders = ...,
    ) -> None:
        """Queue a record; BufferError when the queue is full."""

    def poll(self, timeout: float) -> int:
        """Serve the queue."""

    def init_transactions(self, timeout: float) -> None:
        """Fence former owners of the transactional id."""

    def begin_transaction(self) -> None:
        """Open a transaction."""

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: object, timeout: float
    ) -> None:
        """Add the consumed offsets to the transaction."""

    def commit_transaction(self, timeout: float) -> None:
        """Flush and commit."""

    def abort_transaction(self, timeout: float) -> None:
        """Purge and abort."""

    def close(self) -> object:
        """Release threads and connections."""


class Reader(Protocol):
    """A consumer outside the group: reads changelogs and the group's committed offsets."""

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """Return the group's stable offsets."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions."""

    def poll(self, timeout: float) -> Message | None:
        """Return the next record as soon as there is one, or None."""

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        """Return what has been fetched already."""

    def close(self) -> None:
        """Release threads and connections."""


class Clients(Protocol):
    """Makes the clients; the tests put fakes behind it."""

    def consumer(self, on_error: ErrorCallback) -> GroupConsumer:
        """Return the group's consumer, not yet subscribed."""

    def producer(self, partition: int, on_error: ErrorCallback) -> TxProducer:
        """Return the producer of an input partition, not yet initialised."""

    def reader(self, partition: int) -> Reader:
        """Return a read-committed reader for one acquisition."""

    def end_offsets(
        self, partitions: Sequence[tuple[str, int]], *, committed: bool, timeout: float
    ) -> Mapping[tuple[str, int], int]:
        """Return end offsets; with `committed`, the last stable offsets."""

    def partition_counts(self, topics: Sequence[str], timeout: float) -> Mapping[str, int]:
        """Return the number of partitions of each topic; 0 where it does not exist."""

    def members(self, timeout: float) -> Mapping[str, frozenset[int]]:
        """Return the partitions of each static member, by instance id; none while it rebalances."""

    def rebalance(self, topic: str, timeout: float) -> None:
        """Have the group assign all partitions of its topic anew."""


class KafkaClients:
    """`Clients` on confluent-kafka."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(self._common("admin"))

    def consumer(self, on_error: ErrorCallback) -> GroupConsumer:
        """Return the group's consumer, not yet subscribed."""
        settings = self._settings
        return Consumer(
            {
                **self._reading("consumer"),
                **self._joining(),
                "group.instance.id": settings.instance_id,
                "error_cb": on_error,
            }
        )

    def producer(self, partition: int, on_error: ErrorCallback) -> TxProducer:
        """Return the producer of an input partition, not yet initialised."""
        settings = self._settings
        return Producer(
            {
                **self._common(f"producer-{partition}"),
                "transactional.id": settings.transactional_id(partition),
                "transaction.timeout.ms": _ms(settings.transaction_timeout),
                "compression.type": settings.compression,
                "message.max.bytes": settings.message_bytes,
                # After a broker restart the client can wait for ever for a group coordinator that
                # it has given up (librdkafka #5511), past every timeout (#5456). Each connection
                # that closes or opens makes it look again: idle ones close, a refresh opens one.
                "connections.max.idle.ms": _IDLE_MS,
                "topic.metadata.refresh.interval.ms": _REFRESH_MS,
                "linger.ms": 5,
                "batch.num.messages": 10_000,
                "queue.buffering.max.kbytes": _QUEUE_KIB,
                "delivery.report.only.error": True,
                "error_cb": on_error,
            }
        )

    def reader(self, partition: int) -> Reader:
        """Return a read-committed reader for one acquisition."""
        return Consumer(self._reading(f"restore-{partition}"))

    def end_offsets(
        self, partitions: Sequence[tuple[str, int]], *, committed: bool, timeout: float
    ) -> Mapping[tuple[str, int], int]:
        """Return end offsets; with `committed`, the last stable offsets.

        Raises:
            KafkaException: The broker did not answer, or a topic does not exist; ask again later.
        """
        try:
            return self._end_offsets(partitions, committed=committed, timeout=timeout)
        except KafkaException:
            # After a broker restart the admin client goes on asking with the leader epoch from
            # before, which is refused every time; only fresh metadata bring it the new one.
            self._admin.list_topics(timeout=timeout)
            raise

    def _end_offsets(
        self, partitions: Sequence[tuple[str, int]], *, committed: bool, timeout: float
    ) -> Mapping[tuple[str, int], int]:
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client leaves it untyped
        futures = self._admin.list_offsets(
            {TopicPartition(topic, p): latest for topic, p in partitions},
            isolation_level=level,
            request_timeout=timeout,
        )
        found = {
            (tp.topic, tp.partition): future.result(timeout + 1).offset
            for tp, future in futures.items()
        }
        unanswered = sorted(where for where, offset in found.items() if offset < 0)
        if unanswered:
            # A broker that stood still is not told as an error: the offset is "invalid" (-1001).
            raise KafkaException(
                KafkaError(KafkaError.REQUEST_TIMED_OUT, f"no end offset of {unanswered}")
            )
        return found

    def partition_counts(self, topics: Sequence[str], timeout: float) -> Mapping[str, int]:
        """Return the number of partitions of each topic; 0 where it does not exist.

        Raises:
            KafkaException: The broker did not answer.
        """
        known = self._admin.list_topics(timeout=timeout).topics
        return {t: len(known[t].partitions) if t in known else 0 for t in topics}

    def members(self, timeout: float) -> Mapping[str, frozenset[int]]:
        """Return the partitions of each static member, by instance id; none while it rebalances.

        Asked by the client's older call. `describe_consumer_groups` waits for a coordinator that is
        away in a way that can end the process, or silence this client for ever (ADR 0002).

        Raises:
            KafkaException: The broker did not answer, or refused to.
        """
        found: list[Any] = self._admin.list_groups(self._settings.group, timeout=timeout)
        for refused in filter(None, (each.error for each in found)):
            raise KafkaException(refused)
        return {
            member.id[:-_MEMBER_SUFFIX]: _partitions(member.assignment)
            for each in found
            if each.state == _STABLE
            for member in each.members
            if member.id[:-_MEMBER_SUFFIX] != member.client_id  # static
        }

    def rebalance(self, topic: str, timeout: float) -> None:
        """Have the group assign all partitions of its topic anew.

        A member without a seat of its own joins, is given something or nothing, and leaves.

        Raises:
            KafkaException: The client could not be made.
        """
        joined = threading.Event()
        visitor = Consumer({**self._reading("visitor"), **self._joining()})
        try:
            visitor.subscribe([topic], on_assign=lambda *_: joined.set())
            deadline = time.monotonic() + timeout
            while not joined.is_set() and time.monotonic() < deadline:
                visitor.poll(_VISIT_POLL)
        finally:
            visitor.close()

    def _joining(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": _ms(settings.session_timeout),
            "heartbeat.interval.ms": _ms(settings.session_timeout / 4),
            "max.poll.interval.ms": _ms(settings.max_poll_interval),
        }

    def _reading(self, role: str) -> dict[str, Any]:
        return {
            **self._common(role),
            "group.id": self._settings.group,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "fetch.min.bytes": 1,
            "fetch.wait.max.ms": 250,
            "fetch.queue.backoff.ms": 20,
            "fetch.error.backoff.ms": 100,
            "max.partition.fetch.bytes": _FETCH_BYTES,
            "queued.max.messages.kbytes": _READ_AHEAD_KIB,
            "queued.min.messages": _READ_AHEAD_RECORDS,
        }

    def _common(self, role: str) -> dict[str, Any]:
        settings = self._settings
        return {
            **connection(settings.bootstrap),
            "client.id": f"{settings.instance_id}-{role}",
            "reconnect.backoff.max.ms": 1_000,
            "socket.keepalive.enable": True,
            "log.connection.close": False,
            "logger": _log,
            **settings.client_config,
        }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _partitions(assignment: bytes) -> frozenset[int]:
    """The partitions in what the group's leader gave to a member."""
    if not assignment:
        return frozenset()
    topics = ConsumerProtocolMemberAssignment.decode(assignment).assignment
    return frozenset(partition for _, partitions in topics for partition in partitions)
