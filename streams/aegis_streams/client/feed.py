"""One reader over leaves and decisions, which keeps an `OutcomeTracker` up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from confluent_kafka import Consumer, TopicPartition

from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.codecs import audit_decoder, decision_decoder
from aegis_streams.client.decisions import DecisionReader, RefusedDecision
from aegis_streams.client.kafka import (
    is_end,
    open_consumer,
    record_of,
    require_kafka,
)
from aegis_streams.client.positions import bounds
from aegis_streams.names import AUDIT, DECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.client.kafka import KafkaConsumer, Record
    from aegis_streams.client.outcomes import OutcomeTracker
    from aegis_streams.settings import Settings

LOOK_BACK: Final = 20_000
"""Offsets per partition that are read again, to find the decisions of repeated proposals; those
before are looked for by id (`past`)."""
POLL_RECORDS: Final = 1_000


class OutcomeFeed:
    """Reads the audit topic from now on, and the decisions of the recent past and from now on.

    Args:
        kafka: A read_committed consumer, assigned, that reports the ends of partitions.
        reader: Verifies decisions.
        decode_entry: Decodes audit entries.
        tracker: Is told of every leaf and every verified decision.
        partitions: Number of partitions of the decisions topic.
    """

    def __init__(
        self,
        kafka: KafkaConsumer,
        reader: DecisionReader,
        decode_entry: Callable[[bytes], AuditEntry],
        tracker: OutcomeTracker,
        partitions: int,
    ) -> None:
        self._kafka = kafka
        self._reader = reader
        self._decode_entry = decode_entry
        self._tracker = tracker
        self._behind: set[int | None] = set(range(partitions))
        self.refused: list[RefusedDecision] = []

    @classmethod
    def connect(cls, settings: Settings, tracker: OutcomeTracker) -> Self:
        """Return a feed of a deployment; what is sent after this call will be seen.

        Raises:
            UnavailableError: Kafka does not answer.
            TrustFileError: There is no usable trust file.
        """
        kafka = open_consumer(settings.bootstrap, reports_ends=True)
        partitions = require_kafka(kafka, settings.bootstrap, DECISIONS)
        reader = DecisionReader(
            Verifier(load_trust(settings.trust_file)), decision_decoder(settings.registry_url)
        )
        kafka.assign(
            [
                _from(kafka, topic, partition, look_back)
                for topic, look_back in ((AUDIT, 0), (DECISIONS, LOOK_BACK))
                for partition in range(partitions)
            ]
        )
        return cls(kafka, reader, audit_decoder(settings.registry_url), tracker, partitions)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kafka.close()

    @property
    def caught_up(self) -> bool:
        """Whether every decision of the past that is looked at has been read."""
        return not self._behind

    def poll(self, timeout: float) -> None:
        """Read what arrived within so many seconds.

        Raises:
            UnavailableError: Kafka reports a failure that it does not repair by itself.
        """
        for message in self._kafka.consume(POLL_RECORDS, timeout):
            record = record_of(message)
            if record is not None:
                self._note(record)
            elif is_end(message) and message.topic() == DECISIONS:
                self._behind.discard(message.partition())

    def _note(self, record: Record) -> None:
        if record.topic == AUDIT:
            self._tracker.leaf(self._decode_entry(record.value or b""))
            return
        found = self._reader.read(record)
        if isinstance(found, RefusedDecision):
            self.refused.append(found)
        else:
            self._tracker.decision(found)


def _from(kafka: Consumer, topic: str, partition: int, look_back: int) -> TopicPartition:
    low, high = bounds(kafka, topic, partition)
    return TopicPartition(topic, partition, max(low, high - look_back))
