"""What an agent receives: the records of one partition, and a way to answer them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from aegis_streams.transport.errors import BrokerError, OutsideBatchError
from aegis_streams.transport.outcome import Verdict, classify

if TYPE_CHECKING:
    from confluent_kafka import Message

    from aegis_streams.transport.clients import TxProducer
    from aegis_streams.transport.hooks import Observer

Headers = Sequence[tuple[str, bytes | str | None]]

_QUEUE_POLL: Final = 0.01
"""Seconds between two attempts to hand a record to a full producer queue."""


class PartitionBatch:
    """Records of one partition, delivered together and committed together.

    Attributes:
        partition: Number of the partition, the same in every input and output topic.
        records: Kafka messages of the subscribed topic and its siblings, in delivery order.
        next_offsets: Next offset per input topic once this batch is committed; topics without
            a record in the batch keep theirs.
        generation: Changes whenever objects cached from this partition's tables must be
            dropped: after an aborted batch, and when the partition was acquired anew.
        commit_metadata: Free text stored with the committed offsets.
    """

    __slots__ = (
        "_done",
        "_emitted",
        "_first_emit",
        "_observer",
        "_patience",
        "_produce",
        "_producer",
        "_stall_reason",
        "_stalled_for",
        "_void",
        "commit_metadata",
        "generation",
        "next_offsets",
        "partition",
        "records",
        "serial",
    )

    def __init__(
        self,
        partition: int,
        records: Sequence[Message],
        next_offsets: Mapping[str, int],
        *,
        generation: int,
        serial: int,
        producer: TxProducer,
        observer: Observer,
        patience: float,
    ) -> None:
        self.partition = partition
        self.records = records
        self.next_offsets = next_offsets
        self.generation = generation
        self.serial = serial
        self.commit_metadata = ""
        self._producer = producer
        self._produce = producer.produce
        self._observer = observer
        self._patience = patience
        self._emitted = 0
        self._first_emit = 0.0
        self._void = ""
        self._done = threading.Event()
        self._stall_reason = ""
        self._stalled_for = 0.0

    def emit(
        self, topic: str, *, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        """Produce a record to the same partition number of `topic`, within this batch.

        Readers see it when the batch is committed, and never otherwise. Returns at once; a full
        producer queue makes it wait. Must be called from the event loop.

        Raises:
            OutsideBatchError: The batch is over.
            BrokerError: The producer is beyond repair, or refuses the record (such as one
                larger than `TransportSettings.message_bytes`); let it pass, the worker stops.
        """
        if self._void:
            return
        if self._done.is_set():
            raise OutsideBatchError(
                f"emit to {topic}: batch {self.serial} of partition {self.partition} is over; "
                "emit only while handling it"
            )
        if not self._emitted:
            self._first_emit = time.monotonic()
        self._emitted += 1
        try:
            if headers is None:
                self._produce(topic, value, key, self.partition)
            else:
                self._produce(topic, value, key, self.partition, headers=list(headers))
        except BufferError:
            self._emit_slowly(topic, value, key, headers)
        except KafkaException as error:
            self._refused(topic, error)

    async def stall(self, reason: str, seconds: float) -> None:
        """Wait deliberately, because something outside is not available.

        Polling goes on, the watchdog stays quiet, and the observer is told. A stall after the
        first `emit` that could outlive the transaction gives the batch up: what it did is
        dropped, and it is delivered again (with a new `generation`) when the agent is through.

        Args:
            reason: Short and stable, for the metric and the log.
            seconds: How long to wait before the agent looks again; keep it below a minute.
        """
        with self.stalling(reason, seconds):
            await asyncio.sleep(seconds)

    @contextmanager
    def stalling(self, reason: str, seconds: float) -> Iterator[None]:
        """The same around a wait for something else than time.

        Args:
            reason: As above.
            seconds: How long it takes as a rule.
        """
        started = time.monotonic()
        if self._emitted and started - self._first_emit + seconds > self._patience:
            self._void = "stalled"
        self._stall_reason = reason
        self._observer.stalled(True, reason)
        try:
            yield
        finally:
            self._stall_reason = ""
            self._stalled_for += time.monotonic() - started
            self._observer.stalled(False, reason)

    @property
    def stall_reason(self) -> str:
        """Why the agent waits at this moment; empty when it does not."""
        return self._stall_reason

    @property
    def stalled_for(self) -> float:
        """Seconds of finished stalls in this batch."""
        return self._stalled_for

    @property
    def void(self) -> str:
        """Why this attempt is given up already; empty while it is not."""
        return self._void

    def finish(self) -> None:
        """Note that the agent asked for the next batch (driver only)."""
        self._done.set()

    def give_up(self, cause: str) -> None:
        """Drop what this attempt still emits (driver only)."""
        self._void = cause

    def wait(self, timeout: float) -> bool:
        """Wait until the agent is through (driver only)."""
        return self._done.wait(timeout)

    def _emit_slowly(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None
    ) -> None:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            self._producer.poll(_QUEUE_POLL)
            try:
                self._produce(topic, value, key, self.partition, headers=list(headers or ()))
            except BufferError:
                continue
            except KafkaException as error:
                self._refused(topic, error)
            return
        self._void = "queue_full"

    def _refused(self, topic: str, error: KafkaException) -> None:
        if classify(error) is Verdict.FATAL:
            raise BrokerError(
                f"emit to {topic}, partition {self.partition}: {error.args[0]}"
            ) from error
        self._void = "produce"
