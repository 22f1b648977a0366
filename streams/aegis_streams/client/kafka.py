"""What the client uses of confluent-kafka, as types: tests put fakes in their place."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from aegis_streams.errors import UnavailableError
from aegis_streams.kafka.connection import connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Message, TopicPartition

ANSWER_SECONDS: Final = 10.0
"""How long Kafka may take to answer the first question."""
_CONNECT_SECONDS: Final = 3.0
_CODES: Final = {
    name: getattr(KafkaError, f"_{name}")
    for name in (
        "ALL_BROKERS_DOWN",
        "AUTO_OFFSET_RESET",
        "PARTITION_EOF",
        "RESOLVE",
        "TIMED_OUT",
        "TRANSPORT",
    )
}
"""Codes of the client library's own errors, which it names with an underscore."""
NO_SUCH_OFFSET: Final[int] = _CODES["AUTO_OFFSET_RESET"]
"""The position is not, or not any more, on the partition."""
PARTITION_EOF: Final[int] = _CODES["PARTITION_EOF"]
"""The end of a partition was reached."""
_PASSING: Final = frozenset(_CODES.values()) - {NO_SUCH_OFFSET}


class Record(NamedTuple):
    """A record as it lies in its partition."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class KafkaProducer(Protocol):
    """The part of a Kafka producer that is used."""

    def produce(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        *,
        headers: list[tuple[str, str | bytes | None]],
        on_delivery: Callable[[KafkaError | None, Message], None],
    ) -> None:
        """Queue a record; raises BufferError when the queue is full."""

    def poll(self, timeout: float) -> int:
        """Serve delivery reports for at most `timeout` seconds."""


class OffsetCommitter(Protocol):
    """The part of a Kafka consumer that commits."""

    def commit(
        self, *, offsets: list[TopicPartition], asynchronous: Literal[False]
    ) -> list[TopicPartition]:
        """Commit these offsets of the group."""


class Bounded(Protocol):
    """The part of a Kafka consumer that knows where partitions begin and end."""

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float
    ) -> tuple[int, int] | None:
        """Return the first and the next committed offset of a partition."""


class KafkaConsumer(OffsetCommitter, Protocol):
    """The part of a Kafka consumer that is used."""

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        """Return up to so many messages within `timeout` seconds."""

    def close(self) -> None:
        """Leave the group and free everything."""


def open_producer(bootstrap: str, queue_records: int) -> Producer:
    """Return an idempotent producer with the partitioner every deployment shares.

    Raises:
        UnavailableError: Nothing listens there.
    """
    _require_listener(bootstrap)
    return Producer(
        {
            **_common(bootstrap),
            "client.id": "aegis-submit",
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "compression.type": "zstd",
            "linger.ms": 5,
            "queue.buffering.max.messages": queue_records,
            "queue.buffering.max.kbytes": 64 * 1024,
            "delivery.timeout.ms": 60_000,
        }
    )


def open_consumer(
    bootstrap: str, group: str | None = None, *, reports_ends: bool = False
) -> Consumer:
    """Return a consumer of committed records that commits nothing by itself and never jumps.

    A position that is not there is reported as `NO_SUCH_OFFSET`.

    Args:
        bootstrap: Kafka bootstrap servers.
        group: Consumer group; None for a reader that is assigned its partitions.
        reports_ends: Whether reaching the end of a partition is reported as a message.

    Raises:
        UnavailableError: Nothing listens there.
    """
    _require_listener(bootstrap)
    return Consumer(
        {
            **_common(bootstrap),
            "client.id": "aegis-watch",
            "group.id": group or "aegis-watch",
            "enable.auto.commit": False,
            "enable.partition.eof": reports_ends,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 50,
            "queued.max.messages.kbytes": 16 * 1024,
            "check.crcs": True,
        }
    )


def require_kafka(client: Producer | Consumer, bootstrap: str, topic: str) -> int:
    """Return how many partitions a topic has.

    Raises:
        UnavailableError: Kafka does not answer, or there is no such topic; says what to type.
    """
    try:
        found = client.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    except KafkaException as error:
        raise _no_answer(bootstrap, str(error)) from error
    if found.error is not None or not found.partitions:
        raise UnavailableError(f"{topic}: no such topic at {bootstrap}; run `aegis topics ensure`")
    return len(found.partitions)


def record_of(message: Message) -> Record | None:
    """Return the record in a message; None for a passing disturbance, or an end of a partition.

    Raises:
        UnavailableError: The message reports a failure that does not pass.
    """
    error = message.error()
    if error is None:
        return Record(*place_of(message), message.key(), message.value())
    if error.retriable() or error.code() in _PASSING:
        return None
    raise UnavailableError(f"{message.topic()}: cannot be read: {error}")


def is_end(message: Message) -> bool:
    """Whether a message reports the end of a partition."""
    error = message.error()
    return error is not None and error.code() == PARTITION_EOF


def place_of(message: Message) -> tuple[str, int, int]:
    """Return topic, partition and offset of a record."""
    return message.topic() or "", message.partition() or 0, message.offset() or 0


def _common(bootstrap: str) -> dict[str, str | int | bool]:
    """Return settings of every client: its own log would only repeat what is raised anyway."""
    return {**connection(bootstrap), "log_level": 2, "log.connection.close": False}


def _require_listener(bootstrap: str) -> None:
    if not any(_listens(server) for server in bootstrap.split(",")):
        raise _no_answer(bootstrap, "nothing listens there")


def _listens(server: str) -> bool:
    """Try a plain connection: a stack that is not up is told within moments."""
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
            return True
    except (OSError, ValueError):
        return False


def _no_answer(bootstrap: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"Kafka does not answer at {bootstrap} ({why}); `aegis up` starts a local stack, `aegis "
        "status` shows what runs"
    )
