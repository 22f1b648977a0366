"""Ordinary Faust apps on the driver, with a Kafka in memory behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Protocol, cast

import faust.streams
import pytest

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import (
    EXIT_FAULT,
    AgentFaultError,
    BatchSchema,
    NotOwnedError,
    OutsideBatchError,
    PartitionBatch,
    TransactionalApp,
    TransportConfigError,
    TxTable,
    create_app,
    run_worker,
)
from aegis_streams.transport.failstop import FailStop
from support.transport_fakes import FakeClients, FakeCluster
from support.transport_worker import (
    CHANGELOG,
    GROUP,
    INPUT,
    OUTPUT,
    SECONDS,
    SIBLING,
    RecordingObserver,
    count,
    settings,
)

Batches = AsyncIterator[PartitionBatch]

INNER = "AEGIS_TEST_WITHOUT_CYTHON"


class Agent(Protocol):
    """Body of an agent with its one table."""

    def __call__(self, batches: Batches, table: TxTable) -> Awaitable[None]: ...


class Parts:
    """A cluster, and one app on it at a time."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.cluster.begin_at([INPUT, SIBLING])
        self.observer = RecordingObserver()
        self.table: TxTable | None = None
        self.clients: FakeClients | None = None

    def app(self, *agents: tuple[str, Agent]) -> TransactionalApp:
        app = create_app(GROUP, settings(), observer=self.observer)
        app.failstop = FailStop(self.observer, 3_600.0, lambda _: None)
        app.clients = self.clients = FakeClients(self.cluster, GROUP)
        table = self.table = cast("TxTable", app.Table("counts"))
        for number, (topic, body) in enumerate(agents):

            declare = app.agent(app.topic(topic, schema=BatchSchema()), name=f"agent{number}")
            declare(partial(body, table=table))
        return app

    def run(self, app: TransactionalApp, *partitions: int, until: Callable[[], bool]) -> int:
        """Run the app in this thread; another one gives partitions and ends it in time."""

        def drive() -> None:
            def subscribed() -> bool:
                consumer = self.clients and self.clients.group_consumer
                return bool(consumer and consumer._callbacks)

            def failed() -> bool:
                return app.failstop.failed

            if wait_until(lambda: subscribed() or failed(), SECONDS) and subscribed():
                assert self.clients is not None
                assert self.clients.group_consumer is not None
                self.clients.group_consumer.rebalance("give", partitions)
                wait_until(lambda: until() or failed(), SECONDS)
            if not failed():
                os.kill(os.getpid(), signal.SIGTERM)

        driving = threading.Thread(target=drive)
        driving.start()
        try:
            return run_worker(app)
        finally:
            driving.join()


@pytest.fixture
def parts() -> Parts:
    return Parts()


async def counting(batches: Batches, table: TxTable) -> None:
    async for batch in batches:
        count(batch, table.partition(batch.partition))


async def raising(batches: Batches, table: TxTable) -> None:
    async for batch in batches:
        count(batch, table.partition(batch.partition))
        raise ValueError("poison")


async def breaking(batches: Batches, table: TxTable) -> None:
    async for batch in batches:
        count(batch, table.partition(batch.partition))
        break


async def returning(batches: Batches, table: TxTable) -> None:
    async for batch in batches:
        count(batch, table.partition(batch.partition))
        return


async def using_the_mapping(batches: Batches, table: TxTable) -> None:
    async for _ in batches:
        table[b"k"] = b"v"


async def sending(batches: Batches, table: TxTable) -> None:
    async for _ in batches:
        await table.app.send(OUTPUT, key=b"k", value=b"v")


async def reaching_too_far(batches: Batches, table: TxTable) -> None:
    async for batch in batches:
        table.partition(batch.partition + 1)


def test_an_ordinary_agent_counts_and_the_worker_drains(parts: Parts) -> None:
    for number in range(100):
        parts.cluster.append(INPUT, number % 2, b"k%d" % (number % 7), b"x")
    code = parts.run(
        parts.app((INPUT, counting)),
        0,
        1,
        until=lambda: [parts.cluster.committed[INPUT, p] for p in (0, 1)] == [50, 50],
    )
    assert code == 0
    assert parts.observer.faults == []
    for partition in (0, 1):
        table = parts.cluster.table(CHANGELOG, partition)
        assert sum(int(value) for value in table.values()) == 50
        assert len(parts.cluster.records(OUTPUT, partition)) == 50


def test_state_is_shown_while_a_partition_is_owned_only(parts: Parts) -> None:
    app = parts.app((INPUT, counting))
    table = parts.table
    assert table is not None
    seen: list[int] = []

    def owned() -> bool:
        if parts.observer.owns != {3}:
            return False
        seen.append(len(table.partition(3)))
        return True

    parts.cluster.append(CHANGELOG, 3, b"k", b"7")
    assert parts.run(app, 3, until=owned) == 0
    assert seen == [1]
    with pytest.raises(NotOwnedError, match="partition 3"):
        table.partition(3)


@pytest.mark.parametrize("agent", [raising, breaking, returning])
def test_an_agent_that_leaves_its_loop_stops_the_worker_and_commits_nothing(
    parts: Parts, agent: Agent
) -> None:
    parts.cluster.append(INPUT, 0, b"k", b"x")
    app = parts.app((INPUT, agent))
    assert parts.run(app, 0, until=lambda: False) == EXIT_FAULT
    assert isinstance(app.failstop.cause, AgentFaultError)
    assert parts.cluster.records(OUTPUT, 0) == []
    assert parts.cluster.committed[INPUT, 0] == 0


@pytest.mark.parametrize(
    ("agent", "cause"),
    [
        (using_the_mapping, OutsideBatchError),
        (sending, OutsideBatchError),
        (reaching_too_far, NotOwnedError),
    ],
)
def test_what_would_be_in_no_transaction_is_refused(
    parts: Parts, agent: Agent, cause: type[Exception]
) -> None:
    parts.cluster.append(INPUT, 0, b"k", b"x")
    app = parts.app((INPUT, agent))
    assert parts.run(app, 0, until=lambda: False) == EXIT_FAULT
    assert app.failstop.cause is not None
    assert isinstance(app.failstop.cause.__cause__, cause)
    assert parts.cluster.committed[INPUT, 0] == 0


def test_agents_of_several_topics_are_refused(parts: Parts) -> None:
    app = parts.app((INPUT, counting), ("other", counting))
    assert parts.run(app, until=lambda: False) == EXIT_FAULT
    assert isinstance(app.failstop.cause, TransportConfigError)
    assert "siblings" in str(app.failstop.cause)


def test_missing_topics_stop_the_worker_at_its_start(parts: Parts) -> None:
    parts.cluster.missing = {SIBLING}
    app = parts.app((INPUT, counting))
    assert parts.run(app, until=lambda: False) == EXIT_FAULT
    assert isinstance(app.failstop.cause, TransportConfigError)


def test_the_app_is_named_like_its_group() -> None:
    with pytest.raises(TransportConfigError, match="group"):
        create_app("another", settings())


def test_partitions_change_while_batches_are_in_hand(parts: Parts) -> None:
    app = parts.app((INPUT, counting))
    for number in range(200):
        parts.cluster.append(INPUT, number % 4, b"k%d" % (number % 5), b"x")

    def all_done() -> bool:
        consumer = parts.clients and parts.clients.group_consumer
        assert consumer
        if parts.observer.owns == {0, 1}:
            consumer.rebalance("give", [2, 3])
            consumer.rebalance("take", [0])
            consumer.rebalance("give", [0])
        return [parts.cluster.committed[INPUT, p] for p in range(4)] == [50] * 4

    assert parts.run(app, 0, 1, until=all_done) == 0
    for partition in range(4):
        table = parts.cluster.table(CHANGELOG, partition)
        assert sum(int(value) for value in table.values()) == 50


def test_the_iterator_under_test_is_the_one_this_run_claims() -> None:
    assert (vars(faust.streams)["_CStreamIterator"] is None) is (INNER in os.environ)


@pytest.mark.skipif(INNER in os.environ, reason="this is the inner run")
def test_all_of_this_holds_without_the_compiled_iterator() -> None:
    environment = os.environ | {"NO_CYTHON": "1", INNER: "1"}
    inner = subprocess.run(
        [sys.executable, "-m", "pytest", __file__],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert inner.returncode == 0, inner.stdout + inner.stderr
    assert "1 skipped" in inner.stdout
