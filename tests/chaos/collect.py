"""Reading what a run left behind from Kafka itself, one partition at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.receipt import parse_receipt
from aegis_codecs.records.envelopes import (
    checkpoint_codec,
    dead_letter_codec,
    signed_decision_codec,
)
from aegis_codecs.records.errors import UnknownSchemaError
from aegis_codecs.records.wire import WireDecoder
from aegis_codecs.trust_file import load_trust
from aegis_streams.decide.identity import InputRecord
from aegis_streams.kafka.connection import connection
from aegis_streams.names import (
    AUDIT,
    CHECKPOINTS,
    DEAD_LETTERS,
    DECIDE_GROUP,
    DECIDE_TABLES,
    DECISIONS,
    INPUT_TOPICS,
    SEAL_GROUP,
    SEAL_TABLES,
    changelog,
)
from chaos.oracle.evidence import Keyed, Leaf, PartitionEvidence, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from confluent_kafka import Message

    from aegis_streams.records import Records
    from aegis_streams.settings import Settings
    from chaos.submissions import Sent

_QUIET_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 15.0
_CHUNK: Final = 5_000
_POLL: Final = 0.2


class Collector:
    """Reads the evidence of one deployment.

    Args:
        settings: Where it is.
        records: Decodes its records.
        sent: What the load had delivered.
        journal: File of every signature ever made.
        prefix: Begins the names of the decider's tables.
    """

    def __init__(
        self,
        settings: Settings,
        records: Records,
        sent: Mapping[tuple[str, int, int], Sent],
        journal: Path,
        prefix: str = "",
    ) -> None:
        self._settings = settings
        self._records = records
        self._sent = sent
        self._prefix = prefix
        self._journal = _journal(journal)
        schemas = records.schemas
        self._decision = WireDecoder(signed_decision_codec(), schemas)
        self._checkpoint = WireDecoder(checkpoint_codec(), schemas)
        self._letter = WireDecoder(dead_letter_codec(), schemas)

    def setting(self) -> Setting:
        """Return what all partitions share."""
        return Setting(load_trust(self._settings.trust_file), self._records.schemas, self._fetch)

    def partition(self, partition: int) -> PartitionEvidence:
        """Read one partition of every topic."""
        origin = self._settings.origin(partition)
        return PartitionEvidence(
            partition=partition,
            origin=origin,
            sent={(t, o): sent for (t, p, o), sent in self._sent.items() if p == partition},
            inputs={topic: self._inputs(topic, partition) for topic in INPUT_TOPICS},
            leaves=[
                Leaf(m.offset() or 0, m.key(), self._records.decode_audit(m.value()))
                for m in self._read(AUDIT, partition)
            ],
            decisions=[
                Keyed(m.key(), self._decision.decode(m.value() or b""))
                for m in self._read(DECISIONS, partition)
            ],
            notes=[
                self._checkpoint.decode(m.value() or b"").note
                for m in self._read(CHECKPOINTS, partition)
            ],
            loose_notes=self._loose_notes(partition),
            journal=[claim for claim in self._journal if claim.origin == origin],
            letters=[
                self._letter.decode(m.value() or b"") for m in self._read(DEAD_LETTERS, partition)
            ],
            tables={
                name: self._table(changelog(DECIDE_GROUP, self._prefix + name), partition)
                for name in DECIDE_TABLES
            },
            tree=self._table(changelog(SEAL_GROUP, SEAL_TABLES[0]), partition),
            offsets={
                **self._offsets(DECIDE_GROUP, INPUT_TOPICS, partition),
                **self._offsets(SEAL_GROUP, (AUDIT,), partition),
            },
        )

    def _inputs(self, topic: str, partition: int) -> list[InputRecord]:
        return [
            InputRecord(
                topic, partition, m.offset() or 0, m.timestamp()[1], m.key(), m.value(), _headers(m)
            )
            for m in self._read(topic, partition)
        ]

    def _table(self, topic: str, partition: int) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for message in self._read(topic, partition):
            key, value = message.key() or b"", message.value()
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value
        return found

    def _loose_notes(self, partition: int) -> list[bytes]:
        """Return every distinct note that left a sealer, published or not."""
        notes: dict[bytes, None] = {}
        for message in self._read(CHECKPOINTS, partition, "read_uncommitted"):
            notes[self._checkpoint.decode(message.value() or b"").note] = None
        for message in self._read(DECISIONS, partition, "read_uncommitted"):
            try:
                notes[parse_receipt(self._decision.decode(message.value() or b"").receipt).note] = (
                    None
                )
            except NotTrustedError:
                notes[message.value() or b""] = None  # the oracle will refuse it by name
        return list(notes)

    def _offsets(
        self, group: str, topics: tuple[str, ...], partition: int
    ) -> dict[tuple[str, str], int]:
        consumer = Consumer({**connection(self._settings.bootstrap), "group.id": group})
        try:
            wanted = [TopicPartition(topic, partition) for topic in topics]
            found = consumer.committed(wanted, _ANSWER_SECONDS)
            return {(group, each.topic): each.offset for each in found}
        finally:
            consumer.close()

    def _fetch(self, schema_id: int) -> None:
        try:
            self._records.fetch(schema_id)
        except UnknownSchemaError:
            self._records.schemas.put_unknown(schema_id)

    def _read(
        self, topic: str, partition: int, isolation: str = "read_committed"
    ) -> Iterator[Message]:
        consumer = Consumer(
            {
                **connection(self._settings.bootstrap),
                "group.id": "chaos-oracle",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation,
                "fetch.wait.max.ms": 10,
            }
        )
        try:
            where = TopicPartition(topic, partition)
            end = consumer.get_watermark_offsets(where, timeout=_ANSWER_SECONDS)[1]
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            yield from _until(consumer, end, f"{topic}[{partition}]")
        finally:
            consumer.close()


def _headers(message: Message) -> list[tuple[str, bytes | None]] | None:
    found = message.headers()
    return None if found is None else cast("list[tuple[str, bytes | None]]", found)


def _until(consumer: Consumer, end: int, where: str) -> Iterator[Message]:
    position, moved = 0, time.monotonic()
    while position < end:
        first = consumer.poll(_POLL)
        for message in () if first is None else (first, *consumer.consume(_CHUNK, 0)):
            error = message.error()
            moved = time.monotonic()
            if error is None:
                position = (message.offset() or 0) + 1
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                position = max(position, message.offset() or 0)
            elif not error.retriable():
                raise KafkaException(error)
        if time.monotonic() - moved > _QUIET_SECONDS:
            raise AssertionError(f"{where}: read up to {position} of {end}, then nothing")


def _journal(path: Path) -> list[Checkpoint]:
    """Return the entries of a signing journal; a last line cut short was never signed."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = []
    for line in text.rpartition("\n")[0].splitlines():
        origin, size, root = line.split(" ")
        found.append(Checkpoint(origin, int(size), bytes.fromhex(root)))
    return found
