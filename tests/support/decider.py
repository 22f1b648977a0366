"""A whole decider over dictionaries: batches in, records of its transaction out; no broker."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from confluent_kafka import Message

from aegis_codecs.records import envelopes
from aegis_codecs.records.wire import WireDecoder
from aegis_streams.decide.decider import Decider
from aegis_streams.metrics import Health, Metrics
from aegis_streams.names import AUDIT, DEAD_LETTERS, INPUT_TOPICS, PROPOSALS
from aegis_streams.records import Records
from aegis_streams.runtime.observer import WorkerObserver
from aegis_streams.runtime.parts import WorkerParts
from aegis_streams.settings import Settings
from aegis_streams.transport import PartitionBatch, PartitionState
from support.deciding import AGENT, PARTITION, START, tables
from support.transport_fakes import FakeCluster, FakeProducer
from support.transport_worker import RecordingObserver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_codecs.records.audit import AuditEntry
    from aegis_codecs.records.envelopes import DeadLetter
    from aegis_governance.config import AegisConfig


class _Slices(dict[int, PartitionState]):
    """A table of all partitions."""

    def partition(self, number: int) -> PartitionState:
        """Return the state of a partition."""
        return self[number]


class RunningDecider:
    """The decide agent of one partition, which it has taken over.

    Args:
        registry_url: Registry in Confluent's API.
        config: Parameters with which the partition was opened.
        settings: Further settings.
    """

    def __init__(
        self, registry_url: str, config: AegisConfig | None = None, **settings: Any
    ) -> None:
        self.settings = Settings(registry_url=registry_url, region="test", **settings)
        metrics, health, log = Metrics("decide"), Health(90), logging.getLogger("aegis.decide")
        self.observer = WorkerObserver(metrics, health, log)
        self.metrics = metrics
        self.decider = Decider(self.settings, WorkerParts(metrics, health, self.observer, log))
        opened = tables(config)._asdict()
        self.slices = {name: PartitionState(name, dict(kept)) for name, kept in opened.items()}
        self.decider.tables = {
            name: _Slices({PARTITION: part}) for name, part in self.slices.items()
        }
        self.cluster = FakeCluster()
        self.stalls = RecordingObserver()
        self.offset = 0
        self._serial = 0
        self._records = Records(registry_url)
        self.acquire()

    def acquire(self) -> None:
        """Take the partition over, once more."""
        committed = {**dict.fromkeys(INPUT_TOPICS, 0), PROPOSALS: self.offset}
        self.decider.acquired(PARTITION, self.slices, committed)

    def messages(self, values: Sequence[bytes], headers: list[Any] | None = None) -> list[Message]:
        """Return the next input records."""
        start, self.offset = self.offset, self.offset + len(values)
        return [
            Message(PROPOSALS, PARTITION, offset, AGENT.encode(), value, headers, None, (1, START))
            for offset, value in enumerate(values, start)
        ]

    def decide(self, messages: Sequence[Message], *, commit: bool = True) -> PartitionBatch:
        """Have a batch decided, and commit or undo it."""
        self._serial += 1
        producer = FakeProducer(self.cluster, f"t-{self._serial}")
        producer.init_transactions(1.0)
        producer.begin_transaction()
        for state in self.slices.values():
            state.open()
        batch = PartitionBatch(
            PARTITION,
            messages,
            {PROPOSALS: 1 + (messages[-1].offset() or 0)},
            generation=self._serial,
            serial=self._serial,
            producer=producer,
            observer=self.stalls,
            patience=5.0,
        )
        self.observer.batch(PARTITION, len(messages), 0)
        asyncio.run(self.decider.decide(batch))
        if commit:
            producer.commit_transaction(1.0)
            self.observer.committed(PARTITION, 0.0)
        else:
            self.observer.aborted(PARTITION, "test")
        for state in self.slices.values():
            state.merge() if commit else state.drop()
        return batch

    def leaves(self) -> list[AuditEntry]:
        """Return the committed leaves."""
        found = self.cluster.records(AUDIT, PARTITION)
        return [self._records.decode_audit(value) for _, value in found]

    def letters(self) -> list[DeadLetter]:
        """Return the committed dead letters."""
        decoder = WireDecoder(envelopes.dead_letter_codec(), self._records.schemas)
        found = self.cluster.records(DEAD_LETTERS, PARTITION)
        return [decoder.decode(value or b"") for _, value in found]
