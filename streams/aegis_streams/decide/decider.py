"""Deciding a batch: wait for what must be waited for, evaluate in order, leave state behind."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.records.errors import SchemaNotCachedError
from aegis_codecs.records.proposals import ProposalDecoder
from aegis_governance.config import AegisConfig
from aegis_governance.errors import AegisError
from aegis_governance.vocabulary import FEATURES
from aegis_streams.decide.agents import SHOWN_STATUSES, standing_of
from aegis_streams.decide.identity import InputRecord
from aegis_streams.decide.lookup import SchemaLookup
from aegis_streams.decide.outbox import Outbox
from aegis_streams.decide.processor import Processor, Tables, load_head
from aegis_streams.names import INPUT_TOPICS
from aegis_streams.records import Records
from aegis_streams.runtime.continuity import check_log, check_offset

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import Message

    from aegis_streams.runtime.parts import WorkerParts
    from aegis_streams.settings import Settings
    from aegis_streams.transport import PartitionBatch, PartitionState

MAX_AHEAD_MS: Final = 5 * 60 * 1000
"""A record further ahead of this worker's clock stalls its partition before any leaf (rules 13)."""
FROM_THE_FUTURE: Final = "record_from_the_future"
SLICE_RECORDS: Final = 200
"""Inputs that go through the stages together: enough for each stage to run warm, and few enough
for what they decode to stay in the processor's cache."""


class Decider:
    """The decide agent's work, and what is checked when a partition is taken over.

    Args:
        settings: Where things are.
        parts: Metrics, registry and logs of this worker.
        clock: Seconds since 1970; it stalls records from the future and never enters a leaf.
    """

    def __init__(
        self, settings: Settings, parts: WorkerParts, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._clock = clock
        self._records = Records(settings.registry_url)
        self._lookup = SchemaLookup(self._records, parts)
        self._decoder = ProposalDecoder(self._records.schemas)
        self._unread_file = settings.parameters_file
        self._working: dict[int, tuple[int, Processor, Outbox]] = {}
        self._standing: dict[int, Counter[tuple[str, str]]] = {}
        self.tables: Mapping[str, Any] = {}

    def acquired(
        self,
        partition: int,
        tables: Mapping[str, PartitionState],
        committed: Mapping[str, int | None],
    ) -> None:
        """Check a restored partition before its first record.

        Raises:
            ContinuityError: No state, another log's state, or offsets that differ from the head's.
        """
        head, config = load_head(tables["heads"])
        settings = self._settings
        check_log(
            "heads",
            partition,
            f"{head.log} ({head.partitions} partitions)",
            f"{settings.origin(partition)} ({settings.partitions} partitions)",
        )
        for topic in INPUT_TOPICS:
            check_offset(topic, partition, committed.get(topic), head.offsets.get(topic))
        metrics, active = self._parts.metrics, head.parameters_sha256.hex()
        metrics.parameters.labels(str(partition), active, config.mode, str(head.evaluator)).set(1)
        metrics.horizon_limit.labels(str(partition)).set(config.horizon_count)
        self._standing[partition] = standing_of(tables["drift"])
        self._show_standing(partition)
        self._compare_file(active)

    def withheld(self, partition: int, records: Sequence[Message]) -> str:
        """Hold back what is too far ahead of this worker's clock, before any leaf (rules 13)."""
        newest = max(message.timestamp()[1] for message in records)
        if newest <= self._clock() * 1000 + MAX_AHEAD_MS:
            return ""
        self._parts.log.error(
            "a record is more than 5 minutes ahead of this worker's clock; check both clocks",
            extra={"partition": partition, "timestamp": newest},
        )
        return FROM_THE_FUTURE

    def released(self, partition: int) -> None:
        """Forget everything about a partition."""
        self._working.pop(partition, None)
        self._standing.pop(partition, None)
        self._parts.metrics.forget(partition)

    async def decide(self, batch: PartitionBatch) -> None:
        """Evaluate a batch. Returning means: commit it."""
        records = [InputRecord.of(message) for message in batch.records]
        self._lookup.begin(batch)
        await self._lookup.fetch(batch, records)
        started = time.perf_counter()
        processor, outbox = self._processor(batch)
        outbox.begin(batch)
        processor.tally.clear()
        for start in range(0, len(records), SLICE_RECORDS):
            await self._process(batch, processor, records[start : start + SLICE_RECORDS])
        processor.flush()
        self._parts.metrics.latency.labels("decide").observe(time.perf_counter() - started)
        self._parts.observer.when_committed(
            batch.partition, partial(self._count, batch.partition, records, processor, outbox)
        )

    async def _process(
        self, batch: PartitionBatch, processor: Processor, records: list[InputRecord]
    ) -> None:
        while True:
            try:
                return processor.process(records)
            except SchemaNotCachedError:  # more schemas in one batch than the cache holds
                await self._lookup.fetch(batch, records)

    def _show_standing(self, partition: int) -> None:
        standing = self._standing[partition]
        for feature in FEATURES:
            for status in SHOWN_STATUSES:
                gauge = self._parts.metrics.drifting.labels(str(partition), feature, status)
                gauge.set(standing[feature, status])

    def _compare_file(self, active: str) -> None:
        """Warn, once, when this worker's parameters file is not what is active (rules 23)."""
        path, self._unread_file = self._unread_file, None
        if path is None:
            return
        told = {"file": str(path), "active_sha256": active}
        try:
            found = AegisConfig.from_yaml(path).sha256().hex()
        except AegisError as error:
            self._parts.log.warning(
                "the parameters file cannot be read; files matter at genesis only",
                extra={**told, "cause": str(error)},
            )
            return
        if found != active:
            self._parts.log.warning(
                "the parameters file differs from the active parameters; files matter at genesis "
                "only, the active ones stay",
                extra={**told, "file_sha256": found},
            )

    def _processor(self, batch: PartitionBatch) -> tuple[Processor, Outbox]:
        working = self._working.get(batch.partition)
        if working is None or working[0] != batch.generation:
            tables = Tables(
                *(self.tables[name].partition(batch.partition) for name in Tables._fields)
            )
            outbox = Outbox(self._records)
            processor = Processor(
                batch.partition, tables, self._decoder, outbox.leaves, outbox.dead_letter
            )
            working = self._working[batch.partition] = (batch.generation, processor, outbox)
        return working[1], working[2]

    def _count(
        self, partition: int, records: list[InputRecord], processor: Processor, outbox: Outbox
    ) -> None:
        metrics, now = self._parts.metrics, self._clock()
        for status, count in outbox.statuses.items():
            metrics.decisions.labels(status).inc(count)
        for kind, count in outbox.kinds.items():
            metrics.proposals.labels(kind).inc(count)
        for reason, count in outbox.refusals.items():
            metrics.dead_letters.labels(reason).inc(count)
        for gate, outcome, count in processor.tally.gates():
            metrics.gates.labels(gate, outcome).inc(count)
        for feature, divergence in processor.tally.divergences():
            metrics.divergence.labels(str(partition), feature).set(divergence)
        self._standing[partition].update(processor.tally.moves)
        self._show_standing(partition)
        metrics.remembered.labels(str(partition)).set(processor.remembered)
        for record in records[:: max(1, len(records) // 10)]:
            metrics.decision_latency.observe(max(0.0, now - record.timestamp / 1000))
