from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import KafkaError

from aegis_streams.transport import BrokerError, OutsideBatchError, PartitionBatch
from support.transport_fakes import FATAL, FakeCluster, FakeProducer
from support.transport_worker import RecordingObserver

STATE = KafkaError(KafkaError._STATE, "the transaction is lost already")


class Parts:
    """A batch and what stands behind it."""

    def __init__(self, patience: float = 5.0) -> None:
        self.cluster = FakeCluster()
        self.producer = FakeProducer(self.cluster, "t")
        self.producer.init_transactions(1.0)
        self.producer.begin_transaction()
        self.observer = RecordingObserver()
        self.batch = PartitionBatch(
            2,
            [],
            {"input": 5},
            generation=1,
            serial=2,
            producer=self.producer,
            observer=self.observer,
            patience=patience,
        )

    def produced(self) -> list[tuple[bytes | None, bytes | None]]:
        self.producer.commit_transaction(1.0)
        return self.cluster.records("out", 2)


def test_what_is_emitted_stands_in_the_transaction_of_the_partition() -> None:
    parts = Parts()
    parts.batch.emit("out", value=b"v", key=b"k")
    parts.batch.emit("out", value=None, key=b"k", headers=[("h", b"1")])
    assert parts.cluster.records("out", 2) == []
    assert parts.produced() == [(b"k", b"v"), (b"k", None)]


def test_a_full_queue_makes_emit_wait() -> None:
    parts = Parts()
    parts.producer.full = 3
    parts.batch.emit("out", value=b"v", key=b"k")
    assert parts.produced() == [(b"k", b"v")]


def test_a_queue_that_stays_full_gives_the_batch_up() -> None:
    parts = Parts(patience=0.02)
    parts.producer.full = 1_000_000
    parts.batch.emit("out", value=b"v", key=b"k")
    assert parts.batch.void == "queue_full"


def test_a_lost_transaction_gives_the_batch_up_quietly() -> None:
    parts = Parts()
    parts.cluster.fail_next("produce", STATE)
    parts.batch.emit("out", value=b"v", key=b"k")
    parts.batch.emit("out", value=b"w", key=b"k")
    assert parts.batch.void == "produce"
    assert parts.cluster.calls.count("produce") == 1


def test_a_producer_beyond_repair_stops_the_agent() -> None:
    parts = Parts()
    parts.cluster.fail_next("produce", FATAL)
    with pytest.raises(BrokerError, match="out, partition 2"):
        parts.batch.emit("out", value=b"v", key=b"k")


def test_nothing_is_emitted_after_the_batch() -> None:
    parts = Parts()
    parts.batch.finish()
    with pytest.raises(OutsideBatchError, match="is over"):
        parts.batch.emit("out", value=b"v", key=b"k")


def test_a_stall_is_shown_while_it_lasts() -> None:
    parts = Parts()

    async def stall() -> str:
        waiting = asyncio.ensure_future(parts.batch.stall("registry", 0.02))
        await asyncio.sleep(0)
        seen = parts.batch.stall_reason
        await waiting
        return seen

    assert asyncio.run(stall()) == "registry"
    assert parts.batch.stall_reason == ""
    assert parts.batch.stalled_for >= 0.02
    assert parts.observer.stalls == [(True, "registry"), (False, "registry")]
    assert parts.batch.void == ""


@pytest.mark.parametrize(("seconds", "void"), [(0.001, ""), (0.1, "stalled")])
def test_a_stall_with_records_in_the_transaction_must_be_short(seconds: float, void: str) -> None:
    parts = Parts(patience=0.05)
    parts.batch.emit("out", value=b"v", key=b"k")
    asyncio.run(parts.batch.stall("registry", seconds))
    assert parts.batch.void == void
