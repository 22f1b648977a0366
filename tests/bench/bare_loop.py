"""The bare transactional loop: the decider's work without Faust and without the driver.

    python -m bench.bare_loop BOOTSTRAP REGISTRY_URL PARAMETERS HEADS

HEADS is a file with the heads that genesis wrote, so that every leaf is the decider's to the byte.
One consumer, one producer, one transaction for each 5,000 records, everything in one thread. The
same `Processor` and `Records` decode, evaluate and encode; leaves, dead letters and the last value
of each changed key go to topics of its own, the offsets into the transaction. There is no restore,
no fencing of single partitions, no undo, no metric: it is what the driver's work is compared with.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from aegis_codecs.records.proposals import ProposalDecoder
from aegis_governance.config import AegisConfig
from aegis_streams.decide.decider import SLICE_RECORDS
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY
from aegis_streams.decide.identity import InputRecord
from aegis_streams.decide.outbox import Outbox
from aegis_streams.decide.processor import Processor, Tables
from aegis_streams.names import (
    AUDIT,
    DEAD_LETTERS,
    DECIDE_GROUP,
    DECIDE_TABLES,
    PROPOSALS,
    changelog,
)
from aegis_streams.records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_streams.transport.batch import Headers

GROUP: Final = "bench-bare"
BATCH: Final = 5_000
COPIES: Final = {
    name: f"bench.{name}"
    for name in (AUDIT, DEAD_LETTERS, *(changelog(DECIDE_GROUP, each) for each in DECIDE_TABLES))
}
"""Topic of the decider -> the one that is written here."""
_SECONDS: Final = 30.0


class Slice(dict[bytes, bytes]):
    """A table of one partition that knows its changed keys."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: dict[bytes, bytes | None] = {}

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""
        self[key] = self.changed[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key."""
        del self[key]
        self.changed[key] = None


class Partition:
    """The state of one partition, and where its output goes."""

    def __init__(
        self, number: int, head: bytes, config: AegisConfig, records: Records, out: Producer
    ) -> None:
        self.tables = Tables(Slice(), Slice(), Slice())
        self.tables.heads.put(HEAD_KEY, head)
        self.tables.heads.put(PARAMETERS_KEY, config.to_bytes())
        self._number = number
        self._out = out
        outbox = Outbox(records)
        outbox.begin(self)
        decoder = ProposalDecoder(records.schemas)
        self._processor = Processor(number, self.tables, decoder, outbox.leaves, outbox.dead_letter)

    def emit(
        self, topic: str, *, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        """Produce to this partition of the bench's topic."""
        del headers
        self._produce(COPIES[topic], value, key)

    def take(self, messages: Sequence[Message]) -> None:
        """Decide the records, in order, and produce what follows from them."""
        records = [InputRecord.of(message) for message in messages]
        for start in range(0, len(records), SLICE_RECORDS):
            self._processor.process(records[start : start + SLICE_RECORDS])
        self._processor.flush()
        for name, table in zip(Tables._fields, self.tables, strict=True):
            changed = cast("Slice", table).changed
            for key, value in changed.items():
                self._produce(COPIES[changelog(DECIDE_GROUP, name)], value, key)
            changed.clear()

    def _produce(self, topic: str, value: bytes | None, key: bytes | None) -> None:
        while True:
            try:
                self._out.produce(topic, value, key, self._number)
            except BufferError:
                self._out.poll(0.01)
            else:
                return


def main(bootstrap: str, registry_url: str, parameters: Path, heads: Sequence[bytes]) -> None:
    """Work until killed, from the group's offsets on."""
    records = Records(registry_url)
    config = AegisConfig.from_yaml(str(parameters))
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": GROUP,
            # The loop is killed at the end: what it left open must not stop readers for long.
            "transaction.timeout.ms": 10_000,
            "compression.type": "zstd",
            "linger.ms": 5,
            "batch.num.messages": 10_000,
            "queue.buffering.max.kbytes": 512 * 1024,
            "delivery.report.only.error": True,
        }
    )
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": GROUP,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 20,
        }
    )
    producer.init_transactions(_SECONDS)
    # Assigned, not subscribed: nothing waits for a member that was killed in the round before.
    consumer.assign([TopicPartition(PROPOSALS, number) for number in range(len(heads))])
    states = [Partition(p, head, config, records, producer) for p, head in enumerate(heads)]
    while True:
        messages = consumer.consume(BATCH, 0.1)
        if messages:
            _one_batch(consumer, producer, states, messages)


def _one_batch(
    consumer: Consumer, producer: Producer, states: Sequence[Partition], messages: list[Message]
) -> None:
    by_partition: dict[int, list[Message]] = {}
    for message in messages:
        if message.error() is None:
            by_partition.setdefault(message.partition() or 0, []).append(message)
    producer.begin_transaction()
    for number, taken in by_partition.items():
        states[number].take(taken)
    offsets = [
        TopicPartition(PROPOSALS, number, (taken[-1].offset() or 0) + 1)
        for number, taken in by_partition.items()
    ]
    metadata = consumer.consumer_group_metadata()
    producer.send_offsets_to_transaction(offsets, metadata, _SECONDS)
    producer.commit_transaction(_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]).read_bytes().splitlines())
