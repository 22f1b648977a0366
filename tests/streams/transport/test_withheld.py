"""Records that the application withholds: their partition waits, and nothing else does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import NoLifecycle
from aegis_streams.transport.watchdog import LagMonitor, Watchdog
from support.transport_fakes import ABORT, FakeCluster
from support.transport_worker import INPUT, OUTPUT, SECONDS, SIBLING, FakeWorker, count, worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message

REASON = "too_early"
EARLY = b"early"
LATER = 1_000.0


class Withholding(NoLifecycle):
    """Withholds every batch with a key of `EARLY` in it until it is time."""

    def __init__(self) -> None:
        self.time = threading.Event()
        self.asked: list[tuple[int, int]] = []
        self.freed: list[int] = []

    def withheld(self, partition: int, records: Sequence[Message]) -> str:
        self.asked.append((partition, len(records)))
        early = any(record.key() == EARLY for record in records)
        return REASON if early and not self.time.is_set() else ""

    def released(self, partition: int) -> None:
        self.freed.append(partition)


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.begin_at([INPUT, SIBLING])
    return made


@pytest.fixture
def holding() -> Withholding:
    return Withholding()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aegis_streams.transport.lane._LOOK", 0.01)


def feed(cluster: FakeCluster, partition: int, *keys: bytes) -> None:
    for key in keys:
        cluster.append(INPUT, partition, key, b"x")


def committed(cluster: FakeCluster, partition: int, offset: int) -> None:
    assert wait_until(lambda: cluster.committed[INPUT, partition] == offset, SECONDS)


def waits(running: FakeWorker, partition: int = 0) -> None:
    def withheld() -> bool:
        return (partition, REASON) in [
            (lane.partition, lane.withheld) for lane in running.driver.lanes
        ]

    assert wait_until(withheld, SECONDS)


def test_its_own_partition_waits_and_the_others_go_on(
    cluster: FakeCluster, holding: Withholding
) -> None:
    feed(cluster, 0, b"a", EARLY)
    with worker(cluster, count, 0, 1, lifecycle=holding) as running:
        waits(running)
        feed(cluster, 1, b"a", b"b")
        committed(cluster, 1, 2)
        assert cluster.committed[INPUT, 0] == 0
        assert running.outlet.delivered[-1][0] == 1
        assert running.observer.stalls == [(True, REASON)]
        assert running.observer.owns == {0, 1}
        holding.time.set()
        committed(cluster, 0, 2)
        assert running.observer.stalls == [(True, REASON), (False, REASON)]
    assert cluster.records(OUTPUT, 0) == [(b"a", b"1"), (EARLY, b"1")]


def test_no_transaction_is_open_meanwhile(cluster: FakeCluster, holding: Withholding) -> None:
    feed(cluster, 0, EARLY)
    with worker(cluster, count, 0, lifecycle=holding, transaction_timeout=1.0) as running:
        waits(running)
        assert not running.failstop.wait(1.5)
        holding.time.set()
        committed(cluster, 0, 1)
        assert running.observer.aborts == []


def test_what_follows_is_fetched_no_further_and_once_it_goes_on_exactly_once(
    cluster: FakeCluster, holding: Withholding
) -> None:
    keys = [b"%d" % number for number in range(100)]
    feed(cluster, 0, EARLY)
    limits = {"buffer_records": 10, "batch_records": 5}
    with worker(cluster, count, 0, 1, lifecycle=holding, **limits) as running:
        waits(running)
        assert wait_until(lambda: (INPUT, 0) not in running.consumer.assigned, SECONDS)
        feed(cluster, 0, *keys)
        feed(cluster, 1, *keys)
        committed(cluster, 1, 100)
        assert not running.driver.parked
        assert running.driver.positions()[INPUT, 0] == 1
        holding.time.set()
        committed(cluster, 0, 101)
    assert [key for key, _ in cluster.records(OUTPUT, 0)] == [EARLY, *keys]


def test_what_was_fetched_before_holds_up_nobody(
    cluster: FakeCluster, holding: Withholding
) -> None:
    feed(cluster, 0, *[EARLY] * 100)
    limits = {"buffer_records": 10, "batch_records": 5}
    with worker(cluster, count, 0, 1, lifecycle=holding, **limits) as running:
        waits(running)
        feed(cluster, 1, *[b"a"] * 100)
        committed(cluster, 1, 100)
        holding.time.set()
        committed(cluster, 0, 100)
    assert len(cluster.records(OUTPUT, 0)) == 100


def test_it_is_given_up_like_any_other(cluster: FakeCluster, holding: Withholding) -> None:
    feed(cluster, 0, EARLY)
    with worker(cluster, count, 0, 1, lifecycle=holding) as running:
        waits(running)
        running.consumer.rebalance("take", [0])
        assert wait_until(lambda: running.observer.owns == {1}, SECONDS)
        assert wait_until(lambda: holding.freed == [0], SECONDS)
        assert running.observer.stalls[-1] == (False, REASON)
        assert cluster.committed[INPUT, 0] == 0
        running.consumer.rebalance("give", [0])
        waits(running)
        holding.time.set()
        committed(cluster, 0, 1)
    assert cluster.records(OUTPUT, 0) == [(EARLY, b"1")]


def test_draining_does_not_wait_for_it(cluster: FakeCluster, holding: Withholding) -> None:
    feed(cluster, 0, EARLY)
    with worker(cluster, count, 0, lifecycle=holding) as running:
        waits(running)
        running.driver.drain()
        assert running.consumer.closed
    assert cluster.committed[INPUT, 0] == 0
    assert cluster.records(OUTPUT, 0) == []


def test_a_repeated_batch_is_not_asked_for_again(
    cluster: FakeCluster, holding: Withholding
) -> None:
    cluster.fail_next("commit", ABORT)
    feed(cluster, 0, b"a", b"b")
    with worker(cluster, count, 0, lifecycle=holding) as running:
        committed(cluster, 0, 2)
        assert len(running.observer.aborts) == 1
    assert sum(records for _, records in holding.asked) == 2


def test_the_watchdog_waits_and_the_lag_counts(cluster: FakeCluster, holding: Withholding) -> None:
    feed(cluster, 0, EARLY)
    with worker(cluster, count, 0, lifecycle=holding) as running:
        waits(running)
        feed(cluster, 0, b"a", b"b")
        dog = Watchdog(running.settings, running.driver, running.failstop)
        later = time.monotonic() + LATER
        dog.note_stable({(INPUT, 0): 3}, 0.0)
        running.driver.polled = later
        running.driver.lanes[0].progress = running.driver.lanes[0].state._since = 0.0
        assert dog.stuck(time.monotonic()) == ""
        monitor = LagMonitor(
            running.settings, running.driver, running.clients, running.observer, dog
        )
        monitor.measure()
        assert running.observer.lags[INPUT, 0] == (3, 3)
        holding.time.set()
        committed(cluster, 0, 3)
