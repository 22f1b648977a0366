"""Reading partitions of Kafka, committed records only, outside any consumer group."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from aegis_streams.fsck.errors import CannotCheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.inputs import Raw

ANSWER_SECONDS: Final = 15.0
QUIET_SECONDS: Final = 30.0
"""A partition from which nothing comes for this long cannot be checked."""
GROUP: Final = "aegis-fsck"
"""Name of a group that is never joined; the client library asks for one."""
COMMITTED: Final = "read_committed"
UNCOMMITTED: Final = "read_uncommitted"
_CHUNK: Final = 2_000
_WAIT_SECONDS: Final = 0.2
_END: Final[int] = getattr(KafkaError, f"_{'PARTITION_EOF'}")
_NO_OFFSET: Final = -1_001
_log: Final = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False


class Span(NamedTuple):
    """A part of a partition: from offset `low` up to, not including, `end`."""

    topic: str
    partition: int
    low: int
    end: int


class Cluster(Protocol):
    """Where topics are: Kafka, or what a test puts in its place."""

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has, 0 if there is none of this name."""

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """Return the offset that a group committed, None if it committed none."""

    def span(self, topic: str, partition: int, *, stable: bool) -> Span:
        """Return where a partition begins and ends now."""

    def read(self, span: Span, start: int = 0) -> Iterator[Raw]:
        """Yield offset, timestamp, key and value of the committed records of a span."""

    def close(self) -> None:
        """Close everything."""


class Kafka:
    """Connections to one cluster.

    Args:
        bootstrap: ``host:port[,host:port...]``.
        settings: Further settings of the client library, such as those of TLS.
    """

    def __init__(self, bootstrap: str, settings: dict[str, str] | None = None) -> None:
        self.bootstrap = bootstrap
        self._settings = settings or {}
        self._open: dict[tuple[str, str], Consumer] = {}

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has, 0 if there is none of this name.

        Raises:
            CannotCheckError: Kafka does not answer.
        """
        with self._asking(COMMITTED, topic) as consumer:
            found = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        return 0 if found.error is not None else len(found.partitions)

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """Return the offset that a group committed, None if it committed none.

        Raises:
            CannotCheckError: Kafka does not answer.
        """
        with self._asking(COMMITTED, f"group {group}", group) as consumer:
            (found,) = consumer.committed([TopicPartition(topic, partition)], ANSWER_SECONDS)
        return None if found.offset == _NO_OFFSET or found.offset < 0 else int(found.offset)

    def span(self, topic: str, partition: int, *, stable: bool) -> Span:
        """Return where a partition begins and ends now.

        Args:
            topic: The topic.
            partition: The partition.
            stable: End at the first record of the oldest open transaction, so that reading up to
                there never waits; otherwise at the last record written, by whomever.

        Raises:
            CannotCheckError: Kafka does not answer, or there is no such partition.
        """
        name, place = f"{topic}[{partition}]", TopicPartition(topic, partition)
        with self._asking(COMMITTED if stable else UNCOMMITTED, name) as consumer:
            found = consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
        if found is None:
            raise CannotCheckError(f"{name}: Kafka did not say in time where it ends")
        return Span(topic, partition, int(found[0]), int(found[1]))

    def close(self) -> None:
        """Close what questions were asked through."""
        for consumer in self._open.values():
            consumer.close()
        self._open.clear()

    def read(self, span: Span, start: int = 0) -> Iterator[Raw]:
        """Yield offset, timestamp, key and value of the committed records of a span.

        Args:
            span: What is read.
            start: Offset to begin at, if it is within the span.

        Raises:
            CannotCheckError: Kafka failed, or nothing came for `QUIET_SECONDS`.
        """
        return chain.from_iterable(self._chunks(span, max(start, span.low)))

    def _chunks(self, span: Span, start: int) -> Iterator[list[Raw]]:
        if start >= span.end:
            return
        consumer = self._consumer(COMMITTED)
        try:
            consumer.assign([TopicPartition(span.topic, span.partition, start)])
            position, moved = start, time.monotonic()
            while position < span.end:
                first = consumer.poll(_WAIT_SECONDS)  # consume would wait for all it may return
                messages = [] if first is None else [first, *consumer.consume(_CHUNK, 0)]
                chunk, position = _records(messages, span, position)
                if messages:
                    moved = time.monotonic()
                elif time.monotonic() - moved > QUIET_SECONDS:
                    raise CannotCheckError(
                        f"{span.topic}[{span.partition}]: read up to {position} of {span.end}, "
                        f"then nothing for {QUIET_SECONDS:.0f} s; is a transaction left open?"
                    )
                if chunk:
                    yield chunk
        finally:
            consumer.close()

    @contextmanager
    def _asking(self, isolation: str, what: str, group: str = GROUP) -> Iterator[Consumer]:
        """Lend the connection for questions; its failures become what could not be checked."""
        key = isolation, group
        if key not in self._open:
            self._open[key] = self._consumer(isolation, group)
        try:
            yield self._open[key]
        except KafkaException as error:
            raise CannotCheckError(
                f"{what}: no answer from Kafka at {self.bootstrap}: {error.args[0].str()}"
            ) from error

    def _consumer(self, isolation: str, group: str = GROUP) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "topic.metadata.refresh.interval.ms": 3_000,  # see aegis_streams.kafka
                "metadata.recovery.rebootstrap.trigger.ms": 3_000,
                "group.id": group,
                "client.id": "aegis-fsck",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "isolation.level": isolation,
                "check.crcs": True,
                "fetch.wait.max.ms": 10,
                # Decisions unpack to many times their size: small fetches, and at once again.
                "fetch.message.max.bytes": 256 * 1024,
                "fetch.queue.backoff.ms": 2,
                "queued.min.messages": 20_000,
                "queued.max.messages.kbytes": 16 * 1024,
                "log_level": 2,
                **self._settings,
            },
            logger=_log,
        )


def _records(messages: list[Any], span: Span, position: int) -> tuple[list[Raw], int]:
    """Return the records among messages that belong to a span, and the position after them."""
    chunk: list[Raw] = []
    for message in messages:
        error = message.error()
        if error is not None:
            if error.code() == _END:
                position = max(position, message.offset())
            elif not error.retriable():
                raise CannotCheckError(
                    f"{span.topic}[{span.partition}]: cannot be read: {error.str()}"
                )
            continue
        offset = message.offset()
        if offset >= span.end:
            return chunk, span.end
        position = offset + 1
        chunk.append((offset, message.timestamp()[1], message.key(), message.value()))
    return chunk, position
