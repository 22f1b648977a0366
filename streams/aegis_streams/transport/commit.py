"""Commit one batch: changelog, offsets, transaction, base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException, TopicPartition

from aegis_streams.transport.faults import FaultPoint
from aegis_streams.transport.outcome import Verdict, classify, error_of
from aegis_streams.transport.transaction import AbortedError, attempt, fault_of, once

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_streams.transport.acquire import Acquired
    from aegis_streams.transport.batch import PartitionBatch
    from aegis_streams.transport.context import LaneContext

_QUEUE_POLL: Final = 0.05


class Commit:
    """Commits what one attempt at a batch produced.

    Args:
        partition: The partition.
        context: What the lanes share.
        acquired: Producer, tables and offsets of the partition.
        refused: Group metadata that the broker refused in the attempt before.
    """

    def __init__(
        self, partition: int, context: LaneContext, acquired: Acquired, refused: object | None
    ) -> None:
        self.refused = refused
        self._what = f"partition {partition}"
        self._partition = partition
        self._context = context
        self._acquired = acquired

    def run(self, batch: PartitionBatch, cancelled: Callable[[], bool]) -> str:
        """Commit.

        Returns:
            Why the transaction has to be aborted; empty when it was committed.

        Raises:
            FaultError: The process has to stop.
        """
        if batch.void:
            return batch.void
        try:
            self._run(batch, cancelled)
        except AbortedError as error:
            return error.cause
        return ""

    def _run(self, batch: PartitionBatch, cancelled: Callable[[], bool]) -> None:
        settings, producer = self._context.settings, self._acquired.producer
        number = settings.faults.next_batch()
        # Step 12: the last value of each changed key into the changelog.
        self._write_changelog()
        settings.faults.at(FaultPoint.BEFORE, number)
        # Step 13: the offsets, bound to the group's current generation.
        self._send_offsets(batch, cancelled)
        settings.faults.at(FaultPoint.BETWEEN, number)
        # Step 14: commit.
        attempt(producer.commit_transaction, f"{self._what}: commit", settings.commit_timeout)
        settings.faults.at(FaultPoint.AFTER, number)
        # Step 15: only now does the state change.
        for state in self._acquired.tables.values():
            state.merge()
        self._acquired.offsets.update(batch.next_offsets)

    def _write_changelog(self) -> None:
        tables = self._context.outlet.tables
        for name, state in self._acquired.tables.items():
            topic = tables[name]
            for key, value in state.changes():
                self._produce(topic, key, value)

    def _produce(self, topic: str, key: bytes, value: bytes | None) -> None:
        producer = self._acquired.producer
        while True:
            try:
                producer.produce(topic, value, key, self._partition)
            except BufferError:
                producer.poll(_QUEUE_POLL)
            except KafkaException as error:
                if classify(error) is Verdict.FATAL:
                    raise fault_of(error, f"{self._what}: {topic}") from error
                raise AbortedError(error_of(error).name()) from error
            else:
                return

    def _send_offsets(self, batch: PartitionBatch, cancelled: Callable[[], bool]) -> None:
        metadata = self._context.group.metadata(self.refused, cancelled)
        if metadata is None:
            raise AbortedError("revoked")
        offsets = [
            TopicPartition(topic, self._partition, offset, batch.commit_metadata)
            for topic, offset in batch.next_offsets.items()
        ]
        producer = self._acquired.producer
        try:
            # Not repeated: after a time-out a second call can hang in the client for ever.
            once(
                lambda left: producer.send_offsets_to_transaction(offsets, metadata, left),
                f"{self._what}: offsets",
                self._context.settings.commit_timeout,
            )
        except AbortedError:
            self.refused = metadata
            raise
