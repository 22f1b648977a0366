"""Faust's transport on the driver: what joins its consumer to the lanes."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar, cast

from faust.transport.base import Transport as FaustTransport
from faust.types import TP, ConsumerMessage

from aegis_streams.transport.acks import AckIndex, AckLog, NoOffsets
from aegis_streams.transport.clients import KafkaClients
from aegis_streams.transport.driver import Driver
from aegis_streams.transport.errors import AgentFaultError, TransportConfigError
from aegis_streams.transport.faust_inert import InertConsumer, RefusingProducer
from aegis_streams.transport.membership import GroupMonitor, Subscription
from aegis_streams.transport.periodic import Periodic
from aegis_streams.transport.watchdog import LagMonitor, Watchdog

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from aegis_streams.transport.app import TransactionalApp
    from aegis_streams.transport.batch import PartitionBatch
    from aegis_streams.transport.faust_table import TxTable, TxTableManager
    from aegis_streams.transport.state import PartitionState


class TxConsumer(InertConsumer):
    """Hands the driver's batches to Faust's conductor (the `Outlet` of the driver).

    An ack counts only as the request for the next batch. Faust acks as well when the agent
    raises, returns or breaks; with an exception under way an ack stops the process.
    """

    app: TransactionalApp

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Faust's signature
        super().__init__(*args, **kwargs)
        # Both stream iterators, the compiled one included, end a message by adding its offset
        # here; the compiled one calls neither Consumer.ack nor Message.ack.
        self._acked_index = cast("Any", AckIndex(self._on_ack))
        self._acked = cast("Any", AckLog())
        self._committed_offset = cast("Any", NoOffsets())
        self._driver: Driver | None = None
        self._watchers: tuple[Watchdog | Periodic, ...] = ()
        self._topic = ""
        self._batches: dict[int, PartitionBatch] = {}
        self._owned: set[TP] = set()
        self._rebalance = asyncio.Lock()
        self._deliveries: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------ for the driver's threads

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

    def _wait_for(self, change: Coroutine[Any, Any, None]) -> None:
        timeout = self.app.transport_settings.fence_timeout
        asyncio.run_coroutine_threadsafe(change, self.loop).result(timeout)

    # ------------------------------------------------------------------ event loop

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Start the driver on the one topic that agents subscribe to.

        Raises:
            TransportConfigError: The app subscribes to none or to several topics.
        """
        wanted = sorted(set(topics) - set(self.tables.values()))
        if len(wanted) != 1 or self._topic not in ("", *wanted):
            raise TransportConfigError(
                f"one agent topic is needed, found {wanted}; name others in "
                "TransportSettings.siblings, they arrive in the same batches"
            )
        if self._driver is None:
            self._topic = wanted[0]
            await self._start_driver()

    async def drain(self) -> None:
        """Finish and commit what is in hand, leave the group."""
        for watcher in self._watchers:
            watcher.stop()
        if self._driver is not None and not self.app.failstop.failed:
            await self.loop.run_in_executor(None, self._driver.drain)

    def assignment(self) -> set[TP]:
        """Return the partitions whose batches are delivered."""
        return set(self._owned)

    async def on_task_error(self, exc: BaseException) -> None:
        """Stop: an agent that raised has a batch half done, and Faust would ack it."""
        if not self._closing:
            self._fail(exc, "the agent raised")

    async def _start_driver(self) -> None:
        app, settings = self.app, self.app.transport_settings
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
        watchdog = Watchdog(settings, driver, app.failstop)
        lag = LagMonitor(settings, driver, clients, app.observer, watchdog)
        shared = Subscription(self._topic, driver.partitions)
        group = GroupMonitor(settings, shared, clients, app.observer, app.failstop)
        self._watchers = (
            watchdog,
            Periodic("aegis-lag", settings.lag_interval, lag.measure),
            Periodic("aegis-group", settings.group_interval, group.look),
        )
        for watcher in self._watchers:
            watcher.start()

    async def _change(self, partition: int, tables: Mapping[str, PartitionState] | None) -> None:
        async with self._rebalance:
            for name, table in self.app.tables.items():
                cast("TxTable", table).show(partition, None if tables is None else tables[name])
            where = TP(self._topic, partition)
            if tables is None:
                self._owned.discard(where)
            else:
                self._owned.add(where)
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
            timestamp=now,
            timestamp_type=0,
            headers=None,
            key=None,
            value=cast("Any", batch),
            checksum=None,
            tp=TP(self._topic, batch.partition),
            time_in=now,
            generation_id=self.app.consumer_generation_id,
        )
        with self.app.failstop.guard():
            await self.callback(message)

    def _on_ack(self, serial: int) -> None:
        batch = self._batches.pop(serial, None)
        if batch is None:
            return
        leaving = sys.exc_info()[1]
        if leaving is None:
            batch.finish()
        elif not self._closing:
            self._fail(leaving, f"the agent left its loop with partition {batch.partition} in hand")

    def _fail(self, error: BaseException, what: str) -> None:
        fault = AgentFaultError(f"{what}: {type(error).__name__}: {error}")
        fault.__cause__ = error
        self.app.failstop.fail(fault)

    @property
    def _closing(self) -> bool:
        return self._driver is not None and self._driver.closing


class Transport(FaustTransport):
    """Faust transport ``aegis://``: batches in Kafka transactions, on confluent-kafka."""

    Consumer: ClassVar[Any] = TxConsumer
    Producer: ClassVar[Any] = RefusingProducer
    driver_version = "aegis"
    default_port = 9092
