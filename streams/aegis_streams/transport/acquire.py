"""Take over a partition: fence, wait for stable offsets, restore, ask for approval.

The order matters and is the one of docs/adr/0002-exactly-once-driver.md.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from aegis_streams.transport.errors import BrokerError, OffsetMissingError
from aegis_streams.transport.outcome import classify_read
from aegis_streams.transport.restore import RestoreCancelledError, Restorer
from aegis_streams.transport.state import PartitionState
from aegis_streams.transport.transaction import AbortedError, attempt, fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aegis_streams.transport.clients import Reader, TxProducer
    from aegis_streams.transport.context import LaneContext

_log = logging.getLogger(__name__)
_TICK: Final = 0.1
_T = TypeVar("_T")


class Acquired(NamedTuple):
    """What a lane works with from now on."""

    producer: TxProducer
    tables: dict[str, PartitionState]
    offsets: dict[str, int]


class Acquisition:
    """Acquires one partition in the partition's own thread, beside the poll loop.

    Args:
        partition: The partition.
        context: What the lanes share.
        cancelled: Whether the partition has been taken away again.
        touch: Notes progress for the watchdog.
    """

    def __init__(
        self,
        partition: int,
        context: LaneContext,
        cancelled: Callable[[], bool],
        touch: Callable[[], None],
    ) -> None:
        self._partition = partition
        self._context = context
        self._cancelled = cancelled
        self._touch = touch
        self._what = f"partition {partition}"

    def run(self) -> Acquired:
        """Acquire.

        Raises:
            FaultError: The process has to stop.
            RestoreCancelledError: The partition was taken away in the meantime.
        """
        started = time.monotonic()
        while not self._context.restoring.acquire(timeout=_TICK):
            self._touch()
            self._check()
        try:
            producer = self._fence()
            try:
                tables, committed, records = self._restore()
                offsets = self._approve(tables, committed)
            except BaseException:
                producer.close()
                raise
        finally:
            self._context.restoring.release()
        self._context.observer.restored(self._partition, time.monotonic() - started, records)
        _log.info(
            "partition %d acquired in %.2f s: %d changelog records, from %s",
            self._partition,
            time.monotonic() - started,
            records,
            offsets,
        )
        return Acquired(producer, tables, offsets)

    def _fence(self) -> TxProducer:
        # Step 1: fence the former owner and end what it left open.
        context = self._context
        producer = context.clients.producer(self._partition, self._on_error)
        try:
            attempt(
                producer.init_transactions,
                f"{self._what}: init_transactions",
                context.settings.fence_timeout,
            )
        except AbortedError as error:
            raise BrokerError(f"{self._what}: init_transactions: {error.cause}") from error
        self._check()
        return producer

    def _restore(self) -> tuple[dict[str, PartitionState], dict[str, int | None], int]:
        context, settings = self._context, self._context.settings
        reader = context.clients.reader(self._partition)
        try:
            # Step 2: committed offsets, waiting while a commit is still pending.
            committed = self._committed(reader)
            # Step 3: end offsets of the changelogs, uncommitted.
            ends = self._changelog_ends()
            # Step 4: read the changelogs up to there, committed records only.
            restorer = Restorer(
                reader,
                timeout=settings.restore_timeout,
                stall_timeout=settings.restore_stall_timeout,
                cancelled=self._still_wanted,
            )
            content = restorer.run(self._partition, ends)
        finally:
            reader.close()
        tables = {
            name: PartitionState(name, content[topic])
            for name, topic in context.outlet.tables.items()
        }
        return tables, committed, restorer.records

    def _approve(
        self, tables: Mapping[str, PartitionState], committed: Mapping[str, int | None]
    ) -> dict[str, int]:
        # Step 5: the application checks what was restored; raising stops the process.
        self._check()
        self._context.lifecycle.acquired(self._partition, tables, committed)
        # Step 6: offsets are never made up.
        missing = sorted(topic for topic, offset in committed.items() if offset is None)
        if missing:
            raise OffsetMissingError(
                f"group {self._context.settings.group} has no committed offset for partition "
                f"{self._partition} of {', '.join(missing)}; genesis (`aegis topics ensure`) "
                "writes the first ones, later ones never vanish by themselves"
            )
        return {topic: offset for topic, offset in committed.items() if offset is not None}

    def _committed(self, reader: Reader) -> dict[str, int | None]:
        wanted = [TopicPartition(topic, self._partition) for topic in self._context.topics]

        def ask(timeout: float) -> list[TopicPartition]:
            found = reader.committed(wanted, timeout)
            for each in found:
                if each.error is not None:
                    raise KafkaException(each.error)
            return found

        found = self._patiently(ask, "committed offsets")
        return {tp.topic: tp.offset if tp.offset >= 0 else None for tp in found}

    def _changelog_ends(self) -> dict[str, int]:
        wanted = [(topic, self._partition) for topic in self._context.outlet.tables.values()]
        if not wanted:
            return {}

        def ask(timeout: float) -> Mapping[tuple[str, int], int]:
            return self._context.clients.end_offsets(wanted, committed=False, timeout=timeout)

        return {topic: end for (topic, _), end in self._patiently(ask, "changelog ends").items()}

    def _patiently(self, ask: Callable[[float], _T], doing: str) -> _T:
        answer: list[_T] = []

        def call(timeout: float) -> None:
            answer.append(ask(timeout))
            self._check()

        timeout = self._context.settings.fence_timeout
        attempt(call, f"{self._what}: {doing}", timeout, judge=classify_read)
        return answer[0]

    def _still_wanted(self) -> bool:
        self._touch()
        return self._cancelled()

    def _check(self) -> None:
        self._touch()
        if self._cancelled():
            raise RestoreCancelledError

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._context.failstop.fail(fault_of(KafkaException(error), self._what))
        else:
            _log.debug("%s: producer: %s", self._what, error)
