"""Partitions come and go: acquire, release, takeover, drain."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import (
    FaultError,
    FencedError,
    NoLifecycle,
    OffsetMissingError,
    PartitionBatch,
    PartitionState,
)
from support.transport_fakes import FakeCluster
from support.transport_worker import (
    CHANGELOG,
    INPUT,
    OUTPUT,
    SECONDS,
    SIBLING,
    FakeWorker,
    count,
    worker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.begin_at([INPUT, SIBLING])
    return made


class Gate:
    """An agent that waits in its first batch until the test lets it go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self, batch: PartitionBatch, state: PartitionState) -> None:
        count(batch, state)
        self.entered.set()
        assert self.open.wait(SECONDS)


class Stalling(Gate):
    """An agent that stalls deliberately until the test lets it go."""

    def __init__(self, *, emit_first: bool = False) -> None:
        super().__init__()
        self._emit_first = emit_first

    def __call__(self, batch: PartitionBatch, state: PartitionState) -> None:
        if self._emit_first:
            count(batch, state)
        while not self.open.is_set():
            self.entered.set()
            asyncio.run(batch.stall("registry", 0.01))
        if not self._emit_first:
            count(batch, state)


class Recording(NoLifecycle):
    """Notes what it is asked to approve, and waits where the test wants it."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, dict[bytes, bytes], dict[str, int | None]]] = []
        self.freed: list[int] = []
        self.entered = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def acquired(
        self,
        partition: int,
        tables: Mapping[str, PartitionState],
        committed: Mapping[str, int | None],
    ) -> None:
        self.entered.set()
        assert self.open.wait(SECONDS)
        self.seen.append((partition, dict(tables["counts"].items()), dict(committed)))

    def released(self, partition: int) -> None:
        self.freed.append(partition)


def committed(cluster: FakeCluster, partition: int, offset: int) -> None:
    assert wait_until(lambda: cluster.committed[INPUT, partition] == offset, SECONDS)


def test_the_application_approves_restored_state_before_the_first_record(
    cluster: FakeCluster,
) -> None:
    lifecycle = Recording()
    cluster.append(CHANGELOG, 2, b"a", b"41")
    cluster.append(INPUT, 2, b"a", b"x")
    with worker(cluster, count, 2, lifecycle=lifecycle) as running:
        committed(cluster, 2, 1)
        assert running.observer.restores == [1]
    assert lifecycle.seen == [(2, {b"a": b"41"}, {INPUT: 0, SIBLING: 0})]
    assert lifecycle.freed == [2]
    assert cluster.records(OUTPUT, 2) == [(b"a", b"42")]


def test_disapproval_stops_the_worker(cluster: FakeCluster) -> None:
    class Refusing(NoLifecycle):
        def acquired(
            self,
            partition: int,
            tables: Mapping[str, PartitionState],
            committed: Mapping[str, int | None],
        ) -> None:
            raise LookupError(f"{partition} {len(tables)} {len(committed)}")

    cluster.append(INPUT, 2, b"a", b"x")
    running = FakeWorker(cluster, lifecycle=Refusing()).start()
    running.consumer.rebalance("give", [2])
    assert isinstance(running.fault(), LookupError)
    assert running.outlet.delivered == []


def test_a_missing_offset_is_never_made_up(cluster: FakeCluster) -> None:
    del cluster.committed[SIBLING, 2]
    lifecycle = Recording()
    running = FakeWorker(cluster, lifecycle=lifecycle).start()
    running.consumer.rebalance("give", [2])
    fault = running.fault()
    assert isinstance(fault, OffsetMissingError)
    assert "partition 2 of sibling" in str(fault)
    assert lifecycle.seen[0][2] == {INPUT: 0, SIBLING: None}


def test_a_partition_starts_exactly_at_its_committed_offset(cluster: FakeCluster) -> None:
    for number in range(5):
        cluster.append(INPUT, 0, b"%d" % number, b"x")
    cluster.committed[INPUT, 0] = 3
    with worker(cluster, count, 0):
        committed(cluster, 0, 5)
    assert [key for key, _ in cluster.records(OUTPUT, 0)] == [b"3", b"4"]


def test_other_partitions_go_on_while_one_is_restored(cluster: FakeCluster) -> None:
    lifecycle = Recording()
    with worker(cluster, count, 0, lifecycle=lifecycle) as running:
        lifecycle.entered.clear()
        lifecycle.open.clear()
        running.consumer.rebalance("give", [1])
        assert lifecycle.entered.wait(SECONDS)
        cluster.append(INPUT, 0, b"a", b"x")
        cluster.append(INPUT, 1, b"a", b"x")
        committed(cluster, 0, 1)
        assert cluster.committed[INPUT, 1] == 0
        lifecycle.open.set()
        committed(cluster, 1, 1)


def test_a_revoked_partition_finishes_the_batch_in_hand(cluster: FakeCluster) -> None:
    gate = Gate()
    cluster.append(INPUT, 0, b"a", b"x")
    with worker(cluster, gate, 0, 1) as running:
        assert gate.entered.wait(SECONDS)
        running.consumer.rebalance("take", [0])
        cluster.append(INPUT, 0, b"a", b"x")
        assert not wait_until(lambda: running.observer.owns == {1}, 0.2)
        gate.open.set()
        assert wait_until(lambda: running.observer.owns == {1}, SECONDS)
        assert cluster.committed[INPUT, 0] == 1
        assert wait_until(lambda: set(running.outlet.shown) == {1}, SECONDS)
    assert cluster.records(OUTPUT, 0) == [(b"a", b"1")]


def test_a_partition_revoked_during_its_restore_is_dropped_at_once(cluster: FakeCluster) -> None:
    lifecycle = Recording()
    with worker(cluster, count, 0, lifecycle=lifecycle) as running:
        lifecycle.entered.clear()
        lifecycle.open.clear()
        running.consumer.rebalance("give", [1])
        assert lifecycle.entered.wait(SECONDS)
        running.consumer.rebalance("take", [1])
        cluster.append(INPUT, 0, b"a", b"x")
        committed(cluster, 0, 1)
        lifecycle.open.set()
        assert running.observer.owns == {0}


def test_a_partition_taken_while_it_is_approved_is_never_shown(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle = Recording()
    with worker(cluster, count, 0, lifecycle=lifecycle) as running:
        lifecycle.entered.clear()
        lifecycle.open.clear()
        running.consumer.rebalance("give", [1])
        assert lifecycle.entered.wait(SECONDS)
        shown: list[int] = []
        monkeypatch.setattr(running.outlet, "attach", lambda number, _: shown.append(number))
        running.consumer.rebalance("take", [1])
        cluster.append(INPUT, 0, b"a", b"x")
        committed(cluster, 0, 1)
        lifecycle.open.set()
        assert wait_until(lambda: 1 in lifecycle.freed, SECONDS)
        assert wait_until(lambda: running.clients.producers[1].closed, SECONDS)
        assert shown == []


def test_a_partition_lost_and_given_again_waits_for_its_own_restore(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle = Recording()
    with worker(cluster, count, 0, lifecycle=lifecycle) as running:
        lifecycle.entered.clear()
        lifecycle.open.clear()
        running.consumer.rebalance("give", [1])
        assert lifecycle.entered.wait(SECONDS)
        attach = running.outlet.attach

        def lost_meanwhile(partition: int, tables: Mapping[str, PartitionState]) -> None:
            monkeypatch.undo()  # once
            running.consumer.rebalance("lose", [1])
            running.consumer.rebalance("give", [1])
            assert wait_until(lambda: running.consumer.generation >= rebalances, SECONDS)
            attach(partition, tables)

        rebalances = running.consumer.generation + 2
        monkeypatch.setattr(running.outlet, "attach", lost_meanwhile)
        lifecycle.open.set()
        cluster.append(INPUT, 1, b"a", b"x")
        committed(cluster, 1, 1)
    assert cluster.records(OUTPUT, 1) == [(b"a", b"1")]
    assert running.observer.faults == []


def test_a_partition_that_comes_back_is_restored_anew(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0) as running:
        cluster.append(INPUT, 0, b"a", b"x")
        committed(cluster, 0, 1)
        running.consumer.rebalance("take", [0])
        running.consumer.rebalance("give", [0])
        cluster.append(INPUT, 0, b"a", b"x")
        committed(cluster, 0, 2)
        generations = {generation for _, generation, _ in running.outlet.delivered}
    assert len(generations) == 2
    assert cluster.table(CHANGELOG, 0) == {b"a": b"2"}


def test_lost_partitions_are_given_up_like_revoked_ones(cluster: FakeCluster) -> None:
    with worker(cluster, count, 0, 1) as running:
        running.consumer.rebalance("lose", [0, 1])
        assert wait_until(lambda: running.observer.owns == frozenset(), SECONDS)
        running.consumer.rebalance("give", [1])
        cluster.append(INPUT, 1, b"a", b"x")
        committed(cluster, 1, 1)


def test_a_zombie_cannot_commit_after_a_takeover(cluster: FakeCluster) -> None:
    gate = Gate()
    cluster.append(INPUT, 0, b"a", b"x")
    zombie = FakeWorker(cluster, gate).start(0)
    assert gate.entered.wait(SECONDS)
    with worker(cluster, count, 0):
        committed(cluster, 0, 1)
        gate.open.set()
        assert isinstance(zombie.fault(), FencedError)
    assert cluster.records(OUTPUT, 0) == [(b"a", b"1")]
    assert cluster.table(CHANGELOG, 0) == {b"a": b"1"}


def test_draining_commits_the_batch_in_hand_and_leaves_the_rest(cluster: FakeCluster) -> None:
    gate = Gate()
    cluster.append(INPUT, 0, b"a", b"x")
    with worker(cluster, gate, 0) as running:
        assert gate.entered.wait(SECONDS)
        draining = threading.Thread(target=running.driver.drain)
        draining.start()
        cluster.append(INPUT, 0, b"a", b"x")
        gate.open.set()
        draining.join(SECONDS)
        assert running.consumer.closed
        assert running.clients.producers[0].closed
    assert cluster.committed[INPUT, 0] == 1


def test_draining_does_not_wait_for_a_stall(cluster: FakeCluster) -> None:
    stalling = Stalling()
    cluster.append(INPUT, 0, b"a", b"x")
    with worker(cluster, stalling, 0) as running:
        assert stalling.entered.wait(SECONDS)
        running.driver.drain()
        assert running.consumer.closed
    stalling.open.set()
    assert cluster.committed[INPUT, 0] == 0
    assert "abort" in cluster.calls


def test_a_revoke_during_a_stall_stops_the_worker(cluster: FakeCluster) -> None:
    stalling = Stalling()
    cluster.append(INPUT, 0, b"a", b"x")
    running = FakeWorker(cluster, stalling).start(0)
    assert stalling.entered.wait(SECONDS)
    running.consumer.rebalance("take", [0])
    fault = running.fault()
    stalling.open.set()
    assert type(fault) is FaultError
    assert "'registry'" in str(fault)
    assert cluster.records(OUTPUT, 0) == []


def test_a_stall_longer_than_the_barrier_is_no_fault(cluster: FakeCluster) -> None:
    stalling = Stalling()
    cluster.append(INPUT, 0, b"a", b"x")
    with worker(cluster, stalling, 0, barrier_timeout=1.0) as running:
        assert stalling.entered.wait(SECONDS)
        assert not running.failstop.wait(1.5)
        stalling.open.set()
        committed(cluster, 0, 1)
    assert (True, "registry") in running.observer.stalls


def test_a_stall_that_outlives_the_transaction_repeats_the_batch(cluster: FakeCluster) -> None:
    stalling = Stalling(emit_first=True)
    cluster.append(INPUT, 0, b"a", b"x")
    with worker(cluster, stalling, 0, transaction_timeout=1.0) as running:
        assert stalling.entered.wait(SECONDS)
        assert wait_until(
            lambda: any(
                lane.batch is not None and lane.batch.void for lane in running.driver.lanes
            ),
            SECONDS,
        )
        stalling.open.set()
        committed(cluster, 0, 1)
        assert running.observer.aborts == ["stalled"]
    assert cluster.records(OUTPUT, 0) == [(b"a", b"1")]


def test_polling_goes_on_when_nobody_takes_records(cluster: FakeCluster) -> None:
    gate = Gate()
    with worker(cluster, gate, 0, 1, buffer_records=10, batch_records=5) as running:
        for number in range(100):
            cluster.append(INPUT, 0, b"%d" % number, b"x")
            cluster.append(INPUT, 1, b"%d" % number, b"x")
        assert gate.entered.wait(SECONDS)
        assert wait_until(lambda: running.driver.parked, SECONDS)
        assert running.consumer.assigned == {}
        before = running.driver.polled
        assert wait_until(lambda: running.driver.polled > before, SECONDS)
        running.consumer.rebalance("give", [2])
        gate.open.set()
        committed(cluster, 0, 100)
        committed(cluster, 1, 100)
        assert not running.driver.parked
        assert wait_until(lambda: running.observer.owns == {0, 1, 2}, SECONDS)
    assert [key for key, _ in cluster.records(OUTPUT, 0)] == [b"%d" % n for n in range(100)]
