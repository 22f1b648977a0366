"""One worker on a Kafka in memory: batches, aborts, faults, release."""

from __future__ import annotations

import threading

import pytest
from confluent_kafka import KafkaError

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import (
    BrokerError,
    FencedError,
    PartitionBatch,
    PartitionState,
    RetriesExhaustedError,
    StuckError,
    TransportConfigError,
    UnknownOutcomeError,
)
from support.transport_fakes import ABORT, FATAL, FENCED, RETRY, FakeCluster
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


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    made.begin_at([INPUT, SIBLING])
    return made


def feed(cluster: FakeCluster, partition: int, *keys: bytes, topic: str = INPUT) -> None:
    for key in keys:
        cluster.append(topic, partition, key, b"x")


def committed(cluster: FakeCluster, partition: int, offset: int, topic: str = INPUT) -> None:
    assert wait_until(lambda: cluster.committed[topic, partition] == offset, SECONDS)


def test_offsets_state_and_output_are_committed_together(cluster: FakeCluster) -> None:
    feed(cluster, 1, b"a", b"b", b"a")
    with worker(cluster, count, 1) as running:
        committed(cluster, 1, 3)
        assert cluster.records(OUTPUT, 1) == [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")]
        assert cluster.table(CHANGELOG, 1) == {b"a": b"2", b"b": b"1"}
        assert running.observer.batches == [(1, 3, 3)]


def test_the_changelog_gets_the_last_value_of_each_key_once(cluster: FakeCluster) -> None:
    feed(cluster, 1, *[b"a"] * 50)
    with worker(cluster, count, 1):
        committed(cluster, 1, 50)
    assert cluster.records(CHANGELOG, 1) == [(b"a", b"50")]


def test_siblings_arrive_in_the_same_batches_with_offsets_of_their_own(
    cluster: FakeCluster,
) -> None:
    feed(cluster, 0, b"a", b"a")
    feed(cluster, 0, b"a", topic=SIBLING)
    with worker(cluster, count, 0):
        committed(cluster, 0, 2)
        committed(cluster, 0, 1, topic=SIBLING)
    assert cluster.table(CHANGELOG, 0) == {b"a": b"3"}


def test_next_offsets_name_every_input_topic(cluster: FakeCluster) -> None:
    seen: list[dict[str, int]] = []
    feed(cluster, 0, b"a", topic=SIBLING)

    def note(batch: PartitionBatch, state: PartitionState) -> None:
        del state
        seen.append(dict(batch.next_offsets))

    with worker(cluster, note, 0):
        committed(cluster, 0, 1, topic=SIBLING)
    assert seen == [{INPUT: 0, SIBLING: 1}]


def test_deleted_keys_leave_tombstones(cluster: FakeCluster) -> None:
    def forget(batch: PartitionBatch, state: PartitionState) -> None:
        for record in batch.records:
            state.delete(record.key() or b"")

    cluster.append(CHANGELOG, 0, b"a", b"7")
    feed(cluster, 0, b"a")
    with worker(cluster, forget, 0) as running:
        committed(cluster, 0, 1)
        assert list(running.outlet.shown[0].items()) == []
    assert cluster.records(CHANGELOG, 0)[-1] == (b"a", None)


@pytest.mark.parametrize("call", ["send_offsets", "commit"])
def test_an_abort_undoes_the_batch_and_repeats_the_same_records(
    cluster: FakeCluster, call: str
) -> None:
    feed(cluster, 1, b"a", b"b", b"a")
    cluster.fail_next(call, ABORT, ABORT)
    with worker(cluster, count, 1) as running:
        committed(cluster, 1, 3)
        generations = [generation for _, generation, _ in running.outlet.delivered]
        records = [records for _, _, records in running.outlet.delivered]
    assert len(set(generations)) == len(records) == 3
    assert records[0] == records[1] == records[2]
    assert cluster.table(CHANGELOG, 1) == {b"a": b"2", b"b": b"1"}
    assert len(cluster.records(OUTPUT, 1)) == 3
    assert running.observer.aborts == ["ILLEGAL_GENERATION"] * 2


def test_retriable_errors_are_retried_without_an_abort(cluster: FakeCluster) -> None:
    feed(cluster, 1, b"a")
    for call in ("init_transactions", "committed", "end_offsets", "commit"):
        cluster.fail_next(call, RETRY)
    with worker(cluster, count, 1) as running:
        committed(cluster, 1, 1)
    assert running.observer.aborts == []
    assert "abort" not in cluster.calls


def test_offsets_are_never_sent_twice_in_one_transaction(cluster: FakeCluster) -> None:
    feed(cluster, 1, b"a")
    cluster.fail_next("send_offsets", RETRY)
    with worker(cluster, count, 1) as running:
        committed(cluster, 1, 1)
    assert running.observer.aborts == ["COORDINATOR_LOAD_IN_PROGRESS"]
    calls = [call for call in cluster.calls if call in ("send_offsets", "abort", "commit")]
    assert calls == ["send_offsets", "abort", "send_offsets", "commit"]


def test_refused_metadata_are_not_used_again(cluster: FakeCluster) -> None:
    feed(cluster, 1, b"a")
    cluster.fail_next("send_offsets", ABORT)
    with worker(cluster, count, 1) as running:
        first = running.driver.metadata(None, lambda: False)
        committed(cluster, 1, 1)
        assert running.driver.metadata(None, lambda: False) is not first


def test_waiting_for_metadata_can_be_cancelled(cluster: FakeCluster) -> None:
    with worker(cluster, count) as running:
        assert running.driver.metadata(None, lambda: True) is None


def test_too_many_aborts_stop_the_worker(cluster: FakeCluster) -> None:
    feed(cluster, 1, b"a")
    cluster.fail_next("commit", *[ABORT] * 3)
    running = FakeWorker(cluster, batch_retries=2).start(1)
    assert isinstance(running.fault(), RetriesExhaustedError)
    assert cluster.records(OUTPUT, 1) == []


@pytest.mark.parametrize("call", ["send_offsets", "commit", "abort"])
@pytest.mark.parametrize(("error", "fault"), [(FENCED, FencedError), (FATAL, BrokerError)])
def test_fatal_errors_stop_the_worker_and_commit_nothing(
    cluster: FakeCluster, call: str, error: KafkaError, fault: type[Exception]
) -> None:
    feed(cluster, 1, b"a")
    if call == "abort":
        cluster.fail_next("commit", ABORT)
    cluster.fail_next(call, error)
    running = FakeWorker(cluster).start(1)
    assert isinstance(running.fault(), fault)
    assert cluster.records(OUTPUT, 1) == []
    assert cluster.committed[INPUT, 1] == 0
    assert running.observer.faults


def test_an_unknown_outcome_stops_the_worker(cluster: FakeCluster) -> None:
    feed(cluster, 1, b"a")
    cluster.fail_next("commit", *[RETRY] * 1000)
    running = FakeWorker(cluster, commit_timeout=1.0).start(1)
    assert isinstance(running.fault(), UnknownOutcomeError)


def test_an_agent_that_does_not_finish_stops_the_worker(cluster: FakeCluster) -> None:
    never = threading.Event()

    def hang(batch: PartitionBatch, state: PartitionState) -> None:
        del batch, state
        never.wait(60.0)

    feed(cluster, 1, b"a")
    running = FakeWorker(cluster, hang, barrier_timeout=1.0).start(1)
    fault = running.fault()
    never.set()
    assert isinstance(fault, StuckError)
    assert "did not finish 1 records" in str(fault)


def test_one_batch_at_a_time_is_with_the_agent(cluster: FakeCluster) -> None:
    busy, most = threading.Semaphore(1), [0]

    def watch(batch: PartitionBatch, state: PartitionState) -> None:
        most[0] += not busy.acquire(blocking=False)
        count(batch, state)
        busy.release()

    for partition in range(4):
        feed(cluster, partition, *[b"a"] * 40)
    with worker(cluster, watch, 0, 1, 2, 3, batch_records=5):
        for partition in range(4):
            committed(cluster, partition, 40)
    assert most == [0]


def test_a_slow_agent_gets_smaller_batches_and_a_quick_one_larger_again(
    cluster: FakeCluster,
) -> None:
    slow = threading.Event()
    slow.set()

    def handle(batch: PartitionBatch, state: PartitionState) -> None:
        if slow.is_set() and len(batch.records) > 1:
            threading.Event().wait(0.2)
        count(batch, state)

    feed(cluster, 1, *[b"a"] * 64)
    with worker(cluster, handle, 1, batch_records=32, batch_seconds=0.05) as running:
        committed(cluster, 1, 64)
        slow.clear()
        feed(cluster, 1, *[b"a"] * 200)
        committed(cluster, 1, 264)
        sizes = [records for _, records, _ in running.observer.batches]
    assert sizes[0] == 32
    assert min(sizes) < 16
    assert max(sizes[sizes.index(min(sizes)) :]) > min(sizes)


def test_topics_with_differing_partitions_are_refused(cluster: FakeCluster) -> None:
    cluster.missing = {CHANGELOG}
    with pytest.raises(TransportConfigError, match="counter-counts-changelog: missing"):
        FakeWorker(cluster).driver.start()


def test_an_error_of_the_consumer_stops_the_worker(cluster: FakeCluster) -> None:
    running = FakeWorker(cluster).start()
    running.consumer.on_error(KafkaError(KafkaError._ALL_BROKERS_DOWN, "down"))
    assert not running.failstop.failed
    running.consumer.on_error(KafkaError(KafkaError.FENCED_INSTANCE_ID, "slot", fatal=True))
    assert isinstance(running.fault(), FencedError)
