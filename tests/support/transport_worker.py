"""A worker of the transport driver on fake clients, with an agent that is a plain function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import (
    Lifecycle,
    NoLifecycle,
    Observer,
    OutsideBatchError,
    PartitionBatch,
    PartitionState,
    TransportSettings,
)
from aegis_streams.transport.driver import Driver
from aegis_streams.transport.failstop import FailStop
from support.transport_fakes import FakeClients, FakeCluster, FakeConsumer

GROUP = "counter"
INPUT = "input"
SIBLING = "sibling"
OUTPUT = "output"
CHANGELOG = "counter-counts-changelog"
SECONDS = 10.0
"""Longest wait for a condition of a test."""

Handler = Callable[[PartitionBatch, PartitionState], None]


def settings(**changes: Any) -> TransportSettings:
    """Return settings that suit tests: short waits, two input topics."""
    values: dict[str, Any] = {
        "bootstrap": "nowhere:0",
        "group": GROUP,
        "siblings": (SIBLING,),
        "linger": 0.0,
        "retry_backoff": 0.0,
        "exit_timeout": 60.0,
        "drain_timeout": 5.0,
    }
    return TransportSettings(**(values | changes))


def count(batch: PartitionBatch, state: PartitionState) -> None:
    """Count records per key, and say so."""
    for record in batch.records:
        key = record.key() or b""
        number = int(state.get(key) or b"0") + 1
        state.put(key, b"%d" % number)
        batch.emit(OUTPUT, value=b"%d" % number, key=key)


class RecordingObserver(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.aborts: list[str] = []
        self.faults: list[str] = []
        self.stalls: list[tuple[bool, str]] = []
        self.owns: frozenset[int] = frozenset()
        self.unowned_counts: list[int] = []
        self.restores: list[int] = []
        self.batches: list[tuple[int, int, int]] = []
        self.commits = 0
        self.lags: dict[tuple[str, int], tuple[int, int]] = {}

    def batch(self, partition: int, records: int, size: int) -> None:
        self.batches.append((partition, records, size))

    def committed(self, partition: int, seconds: float) -> None:
        del partition, seconds
        self.commits += 1

    def aborted(self, partition: int, cause: str) -> None:
        del partition
        self.aborts.append(cause)

    def restored(self, partition: int, seconds: float, records: int) -> None:
        del partition, seconds
        self.restores.append(records)

    def stalled(self, active: bool, reason: str) -> None:
        self.stalls.append((active, reason))

    def lag(self, topic: str, partition: int, records: int, last_stable: int) -> None:
        self.lags[topic, partition] = (records, last_stable)

    def no_lag(self, topic: str, partition: int) -> None:
        del self.lags[topic, partition]

    def unowned(self, partitions: int) -> None:
        self.unowned_counts.append(partitions)

    def owned(self, partitions: frozenset[int]) -> None:
        self.owns = partitions

    def fault(self, reason: str) -> None:
        self.faults.append(reason)


class FakeOutlet:
    """Runs a handler in a thread per batch, as the event loop would run the agent."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.shown: dict[int, PartitionState] = {}
        self.late: list[OutsideBatchError] = []
        self.delivered: list[tuple[int, int, list[tuple[str | None, int | None]]]] = []

    @property
    def tables(self) -> Mapping[str, str]:
        return {"counts": CHANGELOG}

    def attach(self, partition: int, tables: Mapping[str, PartitionState]) -> None:
        self.shown[partition] = tables["counts"]

    def detach(self, partition: int) -> None:
        del self.shown[partition]

    def deliver(self, batch: PartitionBatch) -> None:
        self.delivered.append(
            (batch.partition, batch.generation, [(m.topic(), m.offset()) for m in batch.records])
        )
        threading.Thread(target=self._run, args=(batch,), daemon=True).start()

    def _run(self, batch: PartitionBatch) -> None:
        try:
            self.handler(batch, self.shown[batch.partition])
        except OutsideBatchError as error:
            self.late.append(error)
        batch.finish()


class FakeWorker:
    """One driver with everything around it."""

    def __init__(
        self,
        cluster: FakeCluster,
        handler: Handler = count,
        lifecycle: Lifecycle | None = None,
        watching: Observer | None = None,
        **changes: Any,
    ) -> None:
        self.settings = settings(**changes)
        self.cluster = cluster
        self.clients = FakeClients(cluster, GROUP)
        self.outlet = FakeOutlet(handler)
        self.observer = RecordingObserver()
        self.ended: list[int] = []
        told = watching or self.observer
        self.failstop = FailStop(told, self.settings.exit_timeout, self.ended.append)
        self.driver = Driver(
            self.settings,
            INPUT,
            clients=self.clients,
            outlet=self.outlet,
            lifecycle=lifecycle or NoLifecycle(),
            observer=told,
            failstop=self.failstop,
        )

    @property
    def consumer(self) -> FakeConsumer:
        """The member of the group."""
        assert self.clients.group_consumer is not None
        return self.clients.group_consumer

    def start(self, *partitions: int) -> FakeWorker:
        """Start, own these partitions, and wait until they are fetched."""
        self.driver.start()
        assert wait_until(lambda: self.clients.group_consumer is not None, SECONDS)
        if partitions:
            self.consumer.rebalance("give", partitions)
            assert wait_until(lambda: self.observer.owns == set(partitions), SECONDS)
        return self

    def fault(self) -> BaseException:
        """Wait for the fault that stops the worker."""
        assert self.failstop.wait(SECONDS), "the worker did not stop"
        assert self.failstop.cause is not None
        return self.failstop.cause


@contextmanager
def worker(
    cluster: FakeCluster,
    handler: Handler = count,
    *partitions: int,
    **changes: Any,
) -> Iterator[FakeWorker]:
    """Run a worker for the length of a block; it must end in good order."""
    running = FakeWorker(cluster, handler, **changes).start(*partitions)
    yield running
    running.driver.drain()
    assert running.failstop.cause is None, running.failstop.cause
