"""What confluent-kafka 2.16 and librdkafka do wrong, as far as the driver works around it.

Each test provokes a defect with the plain client. When one fails, upstream has changed: read the
note there and in docs/adr/0002-exactly-once-driver.md, and see which work-around can go. The
outdated leader epoch of the admin client is in `test_broker_restart`, the partitions that belong
to nobody are in `test_membership`.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition, libversion
from confluent_kafka import version as client_version

from aegis_streams.stack.processes import wait_until
from support.raw_records import produce_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.stack import RunningStack

SECONDS = 30.0
TOPIC = "records"


def test_the_versions_under_test_are_the_pinned_ones() -> None:
    assert str(client_version()).startswith("2.16.")
    assert libversion()[0].startswith("2.16.")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The cluster inside librdkafka, with one record."""
    producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = producer.list_topics(timeout=SECONDS).brokers.values()
    producer.produce(TOPIC, b"one", partition=0)
    assert producer.flush(SECONDS) == 0
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    producer.flush(0)


def assigned(bootstrap: str) -> Consumer:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "log_level": 0})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    return consumer


def test_consume_waits_its_whole_time_for_records_that_may_never_come(cluster: str) -> None:
    # Away: `Intake.fetch` polls for the first record and takes the rest without waiting.
    with closing(assigned(cluster)) as consumer:
        began = time.monotonic()
        found = consumer.consume(2, 1.0)
        assert len(found) == 1
        assert time.monotonic() - began >= 0.95


def test_the_methods_of_a_consumer_exclude_each_other(cluster: str) -> None:
    # Away: a lane asks for offsets with a reader of its own.
    with closing(assigned(cluster)) as consumer:
        assert consumer.poll(SECONDS) is not None
        polling = threading.Thread(target=consumer.poll, args=(2.0,))
        polling.start()
        assert wait_until(polling.is_alive, SECONDS)
        time.sleep(0.2)  # until it is inside the client; being there is not to be seen
        began = time.monotonic()
        consumer.committed([TopicPartition(TOPIC, 0)], SECONDS)
        waited = time.monotonic() - began
        polling.join(SECONDS)
    assert waited >= 1.0


LOOK_TWICE = """
import sys
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "reader", "log_level": 0})
consumer.assign([TopicPartition("headers", 0, 0)])
message = consumer.poll(30)
try:
    message.headers()
except SystemError as error:
    print(type(error.__cause__).__name__, flush=True)
for name, value in message.headers():
    print(name)
"""


def test_a_header_name_that_is_not_utf_8_fails_first_and_ends_the_process_then(
    cluster: str,
) -> None:
    # Away: `InputRecord.of` replaces the headers before anybody looks at them again.
    produce_header(cluster, "headers", 0, b"value", b"\xff")
    done = subprocess.run(
        [sys.executable, "-c", LOOK_TWICE, cluster], capture_output=True, text=True, check=False
    )
    assert done.stdout == "UnicodeDecodeError\n"
    assert done.returncode == -signal.SIGSEGV


class Transaction:
    """A producer with an open transaction, and the metadata of a group."""

    def __init__(self, stack: RunningStack) -> None:
        self.topic = stack.topic("upstream", partitions=1)
        address: dict[str, Any] = {"bootstrap.servers": stack.bootstrap, "log_level": 0}
        self.group = Consumer({**address, "group.id": self.topic})
        self.producer = Producer({**address, "transactional.id": self.topic})
        self.producer.init_transactions(SECONDS)

    def begin(self) -> None:
        """Open a transaction with a delivered record."""
        self.producer.begin_transaction()
        self.producer.produce(self.topic, b"x", partition=0)
        assert self.producer.flush(SECONDS) == 0

    def send_offsets(self, timeout: float) -> None:
        """Add an offset to the transaction, within a time."""
        offsets = [TopicPartition(self.topic, 0, 1)]
        metadata = self.group.consumer_group_metadata()
        self.producer.send_offsets_to_transaction(offsets, metadata, timeout)


def hang(calls: Sequence[Callable[[], object]], within: float) -> int:
    """Return how many calls, made at the same time, do not come back at all."""

    def run(call: Callable[[], object]) -> None:
        with contextlib.suppress(Exception):  # an error is an answer
            call()

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return sum(thread.is_alive() for thread in threads)


@pytest.mark.stack
def test_send_offsets_outlives_its_timeout_while_the_broker_is_frozen(stack: RunningStack) -> None:
    # Away: a transaction has its own limit, and idle connections are closed (#5456).
    transaction = Transaction(stack)
    transaction.begin()
    with stack.frozen("kafka"):
        assert hang([lambda: transaction.send_offsets(0.5)], within=4) == 1
