"""Faust's consumer, producer and transport on the driver."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar, cast

from confluent_kafka import KafkaException
from faust.transport.base import Transport as FaustTransport
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.producer import Producer as FaustProducer
from faust.types import TP, ConsumerMessage

from aegis_streams.transport.acks import AckIndex, AckLog, NoOffsets
from aegis_streams.transport.clients import KafkaClients
from aegis_streams.transport.driver import Driver
from aegis_streams.transport.errors import AgentFaultError, OutsideBatchError, TransportConfigError
from aegis_streams.transport.watchdog import LagMonitor, Watchdog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from faust.types.tuples import FutureMessage, RecordMetadata

    from aegis_streams.transport.app import TransactionalApp
    from aegis_streams.transport.batch import PartitionBatch
    from aegis_streams.transport.faust_table import TxTable, TxTableManager
    from aegis_streams.transport.state import PartitionState

_log = logging.getLogger(__name__)


class Consumer(FaustConsumer):
    """Hands the driver's batches to Faust's conductor; Faust's own offsets and commits rest."""

    app: TransactionalApp

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Faust's signature
        super().__init__(*args, **kwargs)
        # Both stream iterators, the compiled one included, end a message by adding its offset
        # here; none of them calls Consumer.ack.
        self._acked_index = cast("Any", AckIndex(self._on_ack))
        self._acked = cast("Any", AckLog())
        self._committed_offset = cast("Any", NoOffsets())
        self._driver: Driver | None = None
        self._watchdog: Watchdog | None = None
        self._lag: LagMonitor | None = None
        self._topic = ""
        self._batches: dict[int, PartitionBatch] = {}
        self._owned: set[TP] = set()
        self._rebalance = asyncio.Lock()
        self._deliveries: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------ Outlet, any thread

    @property
    def tables(self) -> Mapping[str, str]:
        """Changelog topic by table name."""
        return cast("TxTableManager", self.app.tables).changelogs()

    def attach(self, partition: int, tables: Mapping[str, PartitionState]) -> None:
        """Show a partition to Faust."""
        self._wait_for(self._change(partition, tables))

    def detach(self, partition: int) -> None:
        """Take a partition away from Faust."""
        self._wait_for(self._change(partition, None))

    def deliver(self, batch: PartitionBatch) -> None:
        """Hand a batch to the agent's stream."""
        self.loop.call_soon_threadsafe(self._enqueue, batch)

    def _wait_for(self, change: Any) -> None:  # a coroutine
        timeout = self.app.transport_settings.fence_timeout
        asyncio.run_coroutine_threadsafe(change, self.loop).result(timeout)

    # ------------------------------------------------------------------ event loop

    async def _change(self, partition: int, tables: Mapping[str, PartitionState] | None) -> None:
        async with self._rebalance:
            for name, table in self.app.tables.items():
                cast("TxTable", table).show(partition, tables[name] if tables else None)
            where = TP(self._topic, partition)
            (self._owned.discard if tables is None else self._owned.add)(where)
            self.app.on_rebalance_start()
            await self.on_partitions_assigned(set(self._owned))
            self.app.on_rebalance_end()

    def _enqueue(self, batch: PartitionBatch) -> None:
        self._batches[batch.serial] = batch
        task = self.loop.create_task(self._hand_over(batch))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def _hand_over(self, batch: PartitionBatch) -> None:
        now = time.time()
        message = ConsumerMessage(
            self._topic,
            batch.partition,
            batch.serial,
            now,
            0,
            None,
            None,
            cast("Any", batch),
            None,
            tp=TP(self._topic, batch.partition),
            time_in=now,
            generation_id=self.app.consumer_generation_id,
        )
        try:
            await self.callback(message)
        except Exception as error:  # an undelivered batch would hang for ever
            self._fail(error, f"batch of partition {batch.partition} could not be delivered")

    def _on_ack(self, serial: int) -> None:
        batch = self._batches.pop(serial, None)
        if batch is None:
            return
        leaving = sys.exc_info()[1]
        if leaving is None:
            batch.finish()
        elif not self._closing:
            self._fail(leaving, f"the agent left its loop with partition {batch.partition} in hand")

    async def on_task_error(self, exc: BaseException) -> None:
        """Stop: an agent that raised has a batch half done, and Faust would ack it."""
        if not self._closing:
            self._fail(exc, "the agent raised")

    def _fail(self, error: BaseException, what: str) -> None:
        fault = AgentFaultError(f"{what}: {type(error).__name__}: {error}")
        fault.__cause__ = error
        self.app.failstop.fail(fault)

    @property
    def _closing(self) -> bool:
        return self._driver is not None and self._driver.closing

    # ------------------------------------------------------------------ life

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Start the driver on the one topic that agents subscribe to.

        Raises:
            TransportConfigError: The app subscribes to none or to several topics.
        """
        wanted = sorted(set(topics) - set(self.tables.values()))
        if self._driver is not None:
            if wanted != [self._topic]:
                raise TransportConfigError(f"subscription changed from {self._topic} to {wanted}")
            return
        if len(wanted) != 1:
            raise TransportConfigError(
                f"one agent topic is needed, found {wanted}; name others in "
                "TransportSettings.siblings, they arrive in the same batches"
            )
        self._topic = wanted[0]
        app = self.app
        settings = app.transport_settings
        clients = app.clients or KafkaClients(settings)
        driver = Driver(
            settings,
            self._topic,
            clients=clients,
            outlet=self,
            lifecycle=app.lifecycle,
            observer=app.observer,
            failstop=app.failstop,
        )
        await self.loop.run_in_executor(None, driver.start)
        self._driver = driver
        self._watchdog = Watchdog(settings, driver, app.failstop)
        self._lag = LagMonitor(settings, driver, clients, app.observer, self._watchdog)
        self._watchdog.start()
        self._lag.start()

    async def drain(self) -> None:
        """Finish and commit what is in hand, leave the group."""
        for service in (self._lag, self._watchdog):
            if service is not None:
                service.stop()
        if self._driver is not None and not self.app.failstop.failed:
            await self.loop.run_in_executor(None, self._driver.drain)

    async def on_stop(self) -> None:
        """Nothing to do: the app drains before its services stop."""

    # ------------------------------------------------------------------ what Faust may ask

    def assignment(self) -> set[TP]:
        """Return the partitions whose batches are delivered."""
        return set(self._owned)

    async def _drain_messages(self, fetcher: Any) -> None:  # Faust's type
        await fetcher.wait_until_stopped()

    async def commit(
        self, topics: Any = None, start_new_transaction: bool = True
    ) -> bool:  # Faust's type
        """Return False: only the driver commits."""
        return False

    async def wait_empty(self) -> None:
        """Nothing to wait for: the driver settles each partition itself."""

    async def perform_seek(self) -> None:
        """Nothing to seek: the driver starts at the committed offsets."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Return nothing: the driver starts at the committed offsets."""
        return {}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Refuse: positions belong to the driver."""
        raise NotImplementedError("positions belong to the transport driver")

    async def _seek(self, partition: TP, offset: int) -> None:
        raise NotImplementedError("positions belong to the transport driver")

    async def position(self, tp: TP) -> int | None:
        """Return the next offset to fetch."""
        return (
            None if self._driver is None else self._driver.positions().get((tp.topic, tp.partition))
        )

    def highwater(self, tp: TP) -> int:
        """Return 0: lag is reported to the observer."""
        return 0

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return nothing: lag is reported to the observer."""
        return {}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return nothing: the driver reads changelogs itself."""
        return {}

    def topic_partitions(self, topic: str) -> int | None:
        """Return None: the driver has checked the counts."""
        return None

    def key_partition(
        self, topic: str, key: bytes | None, partition: int | None = None
    ) -> int | None:
        """Return the partition as given."""
        return partition

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:  # Faust's signature
        """Create nothing: topics are made at genesis."""

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return False

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, Any]:
        return {}

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:  # Faust's type
        raise NotImplementedError("records are delivered in batches")

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def close(self) -> None:
        """Nothing to close: the driver owns the clients."""


class Producer(FaustProducer):
    """Refuses Faust's own sends: outside `PartitionBatch.emit` there is no transaction."""

    async def send(
        self, topic: str, *args: Any, **kwargs: Any
    ) -> Awaitable[RecordMetadata]:  # Faust's signature
        """Refuse.

        Raises:
            OutsideBatchError: Always.
        """
        raise OutsideBatchError(f"send to {topic}: use PartitionBatch.emit")

    async def send_and_wait(
        self, topic: str, *args: Any, **kwargs: Any
    ) -> RecordMetadata:  # Faust's signature
        """Refuse.

        Raises:
            OutsideBatchError: Always.
        """
        raise OutsideBatchError(f"send to {topic}: use PartitionBatch.emit")

    def send_soon(self, fut: FutureMessage) -> None:
        """Refuse.

        Raises:
            OutsideBatchError: Always.
        """
        raise OutsideBatchError("send_soon: use PartitionBatch.emit")

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:  # Faust's signature
        """Create nothing: topics are made at genesis."""

    def key_partition(self, topic: str, key: bytes) -> TP:
        """Refuse: the partition is the batch's."""
        raise NotImplementedError("PartitionBatch.emit keeps the partition number")


class Transport(FaustTransport):
    """Faust transport ``aegis://``: batches in Kafka transactions, on confluent-kafka."""

    Consumer: ClassVar[Any] = Consumer
    Producer: ClassVar[Any] = Producer
    driver_version = "aegis"
    default_port = 9092
