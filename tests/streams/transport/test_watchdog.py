from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka import KafkaError

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import PartitionBatch, PartitionState, StuckError
from aegis_streams.transport.failstop import EXIT_FAULT, FailStop
from aegis_streams.transport.hooks import Observer
from aegis_streams.transport.machine import LaneState
from aegis_streams.transport.watchdog import LagMonitor, Watchdog
from support.transport_fakes import FakeCluster
from support.transport_worker import INPUT, SECONDS, SIBLING, FakeWorker, count, worker

LATER = 1_000.0


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.begin_at([INPUT, SIBLING])
    return made


def watchdog(running: FakeWorker) -> Watchdog:
    return Watchdog(running.settings, running.driver, running.failstop)


def test_an_idle_worker_is_not_stuck(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0) as running:
        assert watchdog(running).stuck(running.driver.polled) == ""
        for lane in running.driver.lanes:
            assert lane.buffer.waiting_since is None


def test_a_poll_loop_that_does_not_come_round_is_stuck(cluster: FakeCluster) -> None:
    with worker(cluster, count) as running:
        assert "poll loop" in watchdog(running).stuck(time.monotonic() + LATER)


def test_a_batch_without_progress_is_stuck_unless_it_stalls(cluster: FakeCluster) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hang(batch: PartitionBatch, state: PartitionState) -> None:
        del state, batch
        entered.set()
        leave.wait(SECONDS)

    cluster.append(INPUT, 0, b"a", b"x")
    with worker(cluster, hang, 0) as running:
        assert entered.wait(SECONDS)
        dog, later = watchdog(running), time.monotonic() + LATER
        running.driver.polled = later + LATER
        assert "partition 0 is delivering" in dog.stuck(later)
        batch = running.driver.lanes[0].batch
        assert batch is not None
        batch._stall_reason = "registry"
        assert dog.stuck(time.monotonic() + 1) == ""
        batch._stall_reason = ""
        leave.set()


def test_a_commit_that_outlives_its_time_is_noticed_soon(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0) as running:
        lane = running.driver.lanes[0]
        lane.state.move(LaneState.DELIVERING)
        lane.state.move(LaneState.COMMITTING)
        dog, now = watchdog(running), lane.state.since
        lane.progress = now
        late = now + running.settings.commit_timeout + 4
        running.driver.polled = late
        assert dog.stuck(now + running.settings.commit_timeout) == ""
        assert "partition 0 is committing" in dog.stuck(late)
        lane.state.move(LaneState.IDLE)


def test_records_that_never_arrive_are_noticed(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0) as running:
        dog, now = watchdog(running), time.monotonic()
        running.driver.polled = now + 3 * LATER
        dog.note_stable({(INPUT, 0): 5}, now)
        assert dog.stuck(now + 1) == ""
        dog.note_stable({(INPUT, 0): 9}, now + LATER)
        assert "input 0 has records past 0" in dog.stuck(now + LATER)
        dog.note_stable({(INPUT, 0): 0}, now + LATER)
        assert dog.stuck(now + LATER) == ""


def test_lag_is_what_is_not_yet_committed(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0) as running:
        for number in range(3):
            cluster.append(INPUT, 0, b"%d" % number, b"x")
        assert wait_until(lambda: cluster.committed[INPUT, 0] == 3, SECONDS)
        dog = watchdog(running)
        monitor = LagMonitor(
            running.settings, running.driver, running.clients, running.observer, dog
        )

        def measured() -> bool:
            monitor.measure()
            return running.observer.lags == {(INPUT, 0): (0, 3), (SIBLING, 0): (0, 0)}

        assert wait_until(measured, SECONDS), running.observer.lags


def test_the_lag_of_a_partition_that_went_is_not_told_any_more(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0, 1) as running:
        dog = watchdog(running)
        monitor = LagMonitor(
            running.settings, running.driver, running.clients, running.observer, dog
        )

        def told() -> set[int]:
            monitor.measure()
            return {partition for _, partition in running.observer.lags}

        assert wait_until(lambda: told() == {0, 1}, SECONDS)
        running.consumer.rebalance("take", [0])
        assert wait_until(lambda: told() == {1}, SECONDS)
        running.consumer.rebalance("take", [1])
        assert wait_until(lambda: told() == set(), SECONDS)


def test_an_unreachable_broker_is_neither_lag_nor_a_fault(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0) as running:
        cluster.fail_next("end_offsets", KafkaError(KafkaError._TRANSPORT, "gone"))
        dog = watchdog(running)
        LagMonitor(
            running.settings, running.driver, running.clients, running.observer, dog
        ).measure()
        assert running.observer.lags == {}


def test_the_watchdog_stops_the_process(cluster: FakeCluster) -> None:
    stuck = FakeWorker(cluster)
    stuck.driver.polled = time.monotonic() - LATER
    dog = watchdog(stuck)
    dog.start()
    assert isinstance(stuck.fault(), StuckError)
    dog.stop()


def test_a_process_that_does_not_end_after_a_fault_is_ended() -> None:
    ended = threading.Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    failstop = FailStop(Observer(), 0.01, end)
    failstop.fail(StuckError("first"))
    failstop.fail(StuckError("second"))
    assert ended.wait(SECONDS)
    assert codes == [EXIT_FAULT]
    assert str(failstop.cause) == "first"


def test_a_guarded_block_reports_what_leaves_it() -> None:
    failstop = FailStop(Observer(), 3_600.0, lambda _: None)
    told: list[BaseException] = []
    failstop.on_failure(told.append)

    def divide(number: int) -> float:
        return 1 / number

    with failstop.guard():
        divide(0)
    assert isinstance(failstop.cause, ZeroDivisionError)
    assert told == [failstop.cause]
