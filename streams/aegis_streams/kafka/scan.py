"""Bounded reads of one partition from an offset to its end, without joining a group."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from aegis_streams.errors import UnavailableError
from aegis_streams.kafka.connection import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confluent_kafka import Message

Isolation = Literal["read_committed", "read_uncommitted"]

_POLL_RECORDS: Final = 5_000
_POLL_SECONDS: Final = 0.2
_AGAIN_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 15.0
"""How long Kafka may take to say where a partition begins and ends."""
END_OF_PARTITION: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - its public name
QUIET_SECONDS: Final = 30.0
"""A scan that moves no further for this long gives up."""


class Scanned(NamedTuple):
    """One record as it lies in its partition."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@contextmanager
def reader(bootstrap: str, isolation: Isolation) -> Iterator[Consumer]:
    """Open a consumer that belongs to no group and commits nothing."""
    consumer = Consumer(
        {
            **connection(bootstrap),
            "group.id": "aegis-scan",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "isolation.level": isolation,
            "fetch.wait.max.ms": 10,
            "check.crcs": True,
            "log_level": 2,  # what fails is raised; a broker that is away would be told for ever
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def watermarks(bootstrap: str, topic: str, partition: int) -> tuple[int, int]:
    """Return the first and the next offset of a partition, aborted records included.

    Raises:
        UnavailableError: The broker did not answer; a partition just made has a few seconds.
    """
    where = TopicPartition(topic, partition)
    deadline = time.monotonic() + ANSWER_SECONDS
    with reader(bootstrap, "read_uncommitted") as consumer:
        while True:
            try:
                found = consumer.get_watermark_offsets(where, timeout=ANSWER_SECONDS)
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"{topic}[{partition}]: no answer from Kafka: {error}"
                    ) from error
                time.sleep(_AGAIN_SECONDS)
                continue
            if found is None:
                raise UnavailableError(f"{topic}[{partition}]: Kafka did not say where it ends")
            return int(found[0]), int(found[1])


def scan(
    bootstrap: str,
    topic: str,
    partition: int,
    start: int,
    *,
    end: int | None = None,
    isolation: Isolation = "read_committed",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Scanned]:
    """Yield the records of a partition from `start` to where it ends now, or to before `end`.

    Where it ends is taken without regard to isolation and reached by position, which counts control
    records, so the marker of the last transaction is never missed.

    Raises:
        UnavailableError: Kafka failed, or nothing moved for `QUIET_SECONDS`.
    """
    low, high = watermarks(bootstrap, topic, partition)
    stop = high if end is None else min(end, high)
    if max(start, low) >= stop:
        return
    with reader(bootstrap, isolation) as consumer:
        consumer.assign([TopicPartition(topic, partition, max(start, low))])
        yield from _until(consumer, topic, partition, stop, clock)


def _until(
    consumer: Consumer, topic: str, partition: int, end: int, clock: Callable[[], float]
) -> Iterator[Scanned]:
    position, moved = -1, clock()
    while position < end:
        for message in _available(consumer):
            error, offset = message.error(), message.offset()
            if offset is None or (error is not None and error.code() != END_OF_PARTITION):
                raise UnavailableError(f"{topic}[{partition}]: cannot be read: {error}")
            moved = clock()
            if error is not None:
                position = max(position, offset)
                continue
            if offset >= end:
                return
            position = offset + 1
            yield Scanned(offset, message.timestamp()[1], message.key(), message.value())
        if clock() - moved > QUIET_SECONDS:
            raise UnavailableError(
                f"{topic}[{partition}]: read up to {position} of {end}, then nothing for "
                f"{QUIET_SECONDS:.0f} s; is a transaction left open or the broker down?"
            )


def _available(consumer: Consumer) -> list[Message]:
    """Return what has arrived, waiting for the first record only."""
    first = consumer.poll(_POLL_SECONDS)
    return [] if first is None else [first, *consumer.consume(_POLL_RECORDS, 0)]


def tail(
    bootstrap: str, topic: str, partition: int, records: int, *, isolation: Isolation
) -> list[Scanned]:
    """Return the records among the last `records` offsets of a partition."""
    low, end = watermarks(bootstrap, topic, partition)
    return list(scan(bootstrap, topic, partition, max(low, end - records), isolation=isolation))
