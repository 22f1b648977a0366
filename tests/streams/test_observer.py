"""What `/livez` and `/readyz` say of a worker on a Kafka in memory."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaError
from prometheus_client import generate_latest

from aegis_streams.metrics import Endpoint, Health, Metrics
from aegis_streams.runtime.observer import WorkerObserver
from aegis_streams.stack.probes import http_get
from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import NoLifecycle, StuckError
from support.transport_fakes import FakeCluster
from support.transport_worker import INPUT, SECONDS, SIBLING, FakeWorker, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aegis_streams.transport import PartitionState

LIMIT = 90.0


class Watched:
    """A worker, its health, and a clock that a test moves."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.now = 0.0
        self.restore = Restoring()
        self.health = Health(LIMIT, lambda: self.now)
        self.metrics = Metrics("decide")
        self.observer = WorkerObserver(self.metrics, self.health, logging.getLogger("test"))
        self.worker = FakeWorker(cluster, count, self.restore, watching=self.observer)

    def start(self) -> Watched:
        self.worker.start()
        return self

    def later(self, seconds: float) -> bool:
        """Let time pass, and the poll loop come round if it does."""
        self.now += seconds
        return wait_until(lambda: self.health.alive, SECONDS)

    def gives(self, *partitions: int) -> None:
        self.worker.consumer.rebalance("give", partitions)

    def says(self, detail: str) -> bool:
        return wait_until(lambda: (self.health.ready, self.health.detail) == (False, detail), 5)

    def is_ready(self) -> bool:
        return wait_until(lambda: self.health.ready, SECONDS)


class Restoring(NoLifecycle):
    """Holds the restore of every partition but those let through."""

    def __init__(self) -> None:
        self.done = {partition: threading.Event() for partition in range(4)}

    def acquired(
        self,
        partition: int,
        tables: Mapping[str, PartitionState],
        committed: Mapping[str, int | None],
    ) -> None:
        del tables, committed
        assert self.done[partition].wait(SECONDS)


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.begin_at([INPUT, SIBLING])
    return made


@pytest.fixture
def watched(cluster: FakeCluster) -> Iterator[Watched]:
    made = Watched(cluster)
    yield made
    for done in made.restore.done.values():
        done.set()
    made.worker.driver.drain()


def test_a_member_without_partitions_is_alive_and_ready(watched: Watched) -> None:
    assert watched.says("starting")
    watched.start().gives()
    assert watched.is_ready()
    assert watched.later(10 * LIMIT)
    assert watched.health.ready


def test_ready_means_every_partition_that_was_assigned(watched: Watched) -> None:
    watched.start().gives(0, 1, 2)
    assert watched.says("partitions [0, 1, 2] are being acquired")
    watched.restore.done[1].set()
    assert watched.says("partitions [0, 2] are being acquired")
    watched.restore.done[0].set()
    watched.restore.done[2].set()
    assert watched.is_ready()
    watched.gives(3)
    assert watched.says("partitions [3] are being acquired")
    watched.worker.consumer.rebalance("take", [3])
    assert watched.is_ready()


def test_a_long_restore_is_life(watched: Watched) -> None:
    watched.start().gives(0)
    assert watched.says("partitions [0] are being acquired")
    assert watched.later(10 * LIMIT)
    assert not watched.health.ready


def test_a_broker_that_is_away_is_no_reason_to_die(cluster: FakeCluster, watched: Watched) -> None:
    watched.restore.done[0].set()
    watched.start().gives(0)
    assert watched.is_ready()
    gone = KafkaError(KafkaError._TRANSPORT, "gone")
    cluster.fail_next("end_offsets", *[gone] * 100)
    watched.worker.consumer.on_error(gone)
    assert watched.later(10 * LIMIT)


def test_who_lost_its_seat_is_not_ready_until_it_has_one_again(watched: Watched) -> None:
    watched.restore.done[0].set()
    watched.start().gives(0)
    assert watched.is_ready()
    watched.worker.consumer.rebalance("lose", [0])
    assert watched.says("not a member of the group")
    watched.gives()
    assert watched.is_ready()


def test_a_poll_loop_that_hangs_is_death(watched: Watched) -> None:
    hang, entered = threading.Event(), threading.Event()

    def poll(timeout: float) -> None:
        del timeout
        entered.set()
        hang.wait(SECONDS)

    watched.start().gives()
    assert watched.is_ready()
    watched.worker.consumer.poll = poll  # type: ignore[method-assign]  # the client hangs
    assert entered.wait(SECONDS)
    watched.now += LIMIT + 1
    assert not watched.health.alive
    endpoint = Endpoint("127.0.0.1", 0, watched.metrics.registry, watched.health)
    endpoint.start()
    answers = [http_get(endpoint.port, path) for path in ("/livez", "/readyz")]
    hang.set()
    assert watched.later(0)
    again = [http_get(endpoint.port, path) for path in ("/livez", "/readyz")]
    endpoint.stop()
    assert (answers, again) == ([None, None], ["alive\n", "ready\n"])


def test_a_worker_that_leaves_is_not_ready(watched: Watched) -> None:
    watched.start().gives()
    assert watched.is_ready()
    watched.worker.driver.drain()
    assert watched.says("not a member of the group")


def test_a_fault_ends_readiness_for_good(watched: Watched) -> None:
    watched.start().gives()
    assert watched.is_ready()
    watched.worker.failstop.fail(StuckError("nothing moves"))
    assert watched.says("StuckError: nothing moves")
    watched.worker.driver.drain()
    assert watched.says("StuckError: nothing moves")


def test_partitions_that_wait_are_counted(watched: Watched) -> None:
    def waiting() -> float | None:
        return watched.metrics.registry.get_sample_value("aegis_stalled", {"reason": "clock"})

    for active, left in [(True, 1), (True, 2), (False, 1), (False, 0)]:
        watched.observer.stalled(active, "clock")
        assert waiting() == left


def test_a_lag_that_is_another_workers_to_tell_is_gone() -> None:
    metrics = Metrics("decide")
    observer = WorkerObserver(metrics, Health(LIMIT, lambda: 0.0), logging.getLogger("test"))
    for partition in (0, 1):
        observer.lag(INPUT, partition, 7, 9)
    observer.no_lag(INPUT, 0)
    page = generate_latest(metrics.registry).decode().splitlines()
    (shown,) = [line for line in page if line.startswith("aegis_lag_records{")]
    assert 'partition="1"' in shown
