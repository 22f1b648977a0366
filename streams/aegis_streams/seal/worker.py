"""Sealing batches, and what is checked when a partition is taken over."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.keys import load_log_keys
from aegis_streams.errors import LOST_STATE, ContinuityError
from aegis_streams.kafka.scan import scan, tail
from aegis_streams.names import AUDIT, CHECKPOINTS, DECISIONS
from aegis_streams.records import Records
from aegis_streams.runtime.continuity import check_log, check_offset
from aegis_streams.seal.claims import own_checkpoints
from aegis_streams.seal.continuity import confirm, is_accepted_loss, open_claims
from aegis_streams.seal.guard import Guard
from aegis_streams.seal.sealer import Sealed, Sealer
from aegis_streams.seal.tree import TREE_KEY, TreeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from confluent_kafka import Message

    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.runtime.parts import WorkerParts
    from aegis_streams.settings import Settings
    from aegis_streams.transport import PartitionBatch, PartitionState

CLAIM_RECORDS: Final = 2_000
"""How many of the newest checkpoint records are searched, uncommitted ones included. A sealer
leaves at most one uncommitted checkpoint per attempt, and attempts are bounded."""
SCAN_ENTRIES: Final = 5_000
SLICE_DECISIONS: Final = 200


class SealWorker:
    """The seal agent's work.

    Args:
        settings: Where keys, guard and topics are.
        parts: Metrics and logs of this worker.
    """

    def __init__(self, settings: Settings, parts: WorkerParts) -> None:
        self._settings = settings
        self._parts = parts
        self._records = Records(settings.registry_url)
        self._keys = load_log_keys(settings.keys_dir)
        self._sealers: dict[int, tuple[int, Sealer]] = {}
        self.tables: Mapping[str, Any] = {}

    def acquired(
        self,
        partition: int,
        tables: Mapping[str, PartitionState],
        committed: Mapping[str, int | None],
    ) -> None:
        """Check that signing can go on where it stopped.

        Raises:
            ContinuityError: No state, another log's, or an offset that differs from the state's.
            SplitViewError: Something was signed that the committed leaves do not lead to, or the
                guard, which would know, is lost.
        """
        state = _load(tables["tree"])
        check_log("tree", partition, state.log, self._settings.origin(partition))
        check_offset(AUDIT, partition, committed.get(AUDIT), state.next_offset)
        guard = Guard(self._settings.guard_dir, state.log)
        last = guard.last()
        accepted = is_accepted_loss(state, last, self._settings.accept_guard)
        claims = open_claims(state, self._claims(partition, state, last))
        confirm(state, claims, lambda: self._committed_after(partition, state.next_offset))
        if accepted:
            guard.record(state.checkpoint)
            self._parts.log.warning(
                "the loss of a guard was accepted; AEGIS_ACCEPT_GUARD can be taken away again",
                extra={"log": state.log, "size": state.range.size},
            )

    def withheld(self, partition: int, records: Sequence[Message]) -> str:
        """Withhold nothing: committed leaves wait for no clock."""
        del partition, records
        return ""

    def released(self, partition: int) -> None:
        """Forget everything about a partition."""
        self._sealers.pop(partition, None)

    def seal(self, batch: PartitionBatch) -> None:
        """Seal a batch. Returning means: commit it."""
        started = time.perf_counter()
        decode = self._records.decode_audit
        entries = [decode(message.value()) for message in batch.records]
        sealer = self._sealer(batch)
        sealed = sealer.seal(entries, batch.next_offsets[AUDIT])
        self._publish(batch, sealed)
        batch_state: PartitionState = self.tables["tree"].partition(batch.partition)
        batch_state.put(TREE_KEY, sealer.state.to_bytes())
        self._parts.observer.when_committed(
            batch.partition, partial(self._count, entries, sealed, time.perf_counter() - started)
        )

    def _publish(self, batch: PartitionBatch, sealed: Sealed) -> None:
        encode, emit, decisions = self._records.decision, batch.emit, sealed.decisions
        for start in range(0, len(decisions), SLICE_DECISIONS):
            # All are encoded, then all are produced: each loop runs warm.
            some = decisions[start : start + SLICE_DECISIONS]
            values = [encode(entry, receipt) for entry, receipt in some]
            for (entry, _), value in zip(some, values, strict=True):
                emit(DECISIONS, value=value, key=(entry.agent_id or "").encode())
        checkpoint = sealed.checkpoint
        emit(
            CHECKPOINTS,
            value=self._records.checkpoint(checkpoint, sealed.note, keep=sealed.keep),
            key=checkpoint.origin.encode(),
        )

    def _sealer(self, batch: PartitionBatch) -> Sealer:
        kept = self._sealers.get(batch.partition)
        if kept is None or kept[0] != batch.generation:
            state = _load(self.tables["tree"].partition(batch.partition))
            signer = self._keys.checkpoint_signer(state.log)
            guard = Guard(self._settings.guard_dir, state.log)
            sealer = Sealer(state, guard.record, self._journalled(signer.seal))
            kept = self._sealers[batch.partition] = (batch.generation, sealer)
        return kept[1]

    def _journalled(self, sign: Callable[[Checkpoint], bytes]) -> Callable[[Checkpoint], bytes]:
        journal = self._settings.sign_journal
        if journal is None:
            return sign

        def signed(checkpoint: Checkpoint) -> bytes:
            _note_signature(journal, checkpoint)
            return sign(checkpoint)

        return signed

    def _claims(
        self, partition: int, state: TreeState, last: Checkpoint | None
    ) -> Iterator[Checkpoint]:
        if last is not None:
            yield last
        records = tail(
            self._settings.bootstrap,
            CHECKPOINTS,
            partition,
            CLAIM_RECORDS,
            isolation="read_uncommitted",
        )
        notes = (self._records.checkpoint_note(record.value) for record in records)
        keys = self._keys.checkpoint_signer(state.log).keys
        yield from own_checkpoints(keys, state.log, state.range.size, notes)

    def _committed_after(self, partition: int, offset: int) -> Iterable[list[AuditEntry]]:
        records = scan(self._settings.bootstrap, AUDIT, partition, offset)
        while batch := list(islice(records, SCAN_ENTRIES)):
            yield [self._records.decode_audit(record.value) for record in batch]

    def _count(self, entries: list[AuditEntry], sealed: Sealed, seconds: float) -> None:
        metrics = self._parts.metrics
        metrics.seal_seconds.observe(seconds)
        metrics.checkpoints.inc()
        metrics.tree_size.labels(sealed.checkpoint.origin).set(sealed.checkpoint.size)
        for kind, count in Counter(entry.kind for entry in entries).items():
            metrics.leaves.labels(kind).inc(count)


def _load(table: PartitionState) -> TreeState:
    data = table.get(TREE_KEY)
    if data is None:
        raise ContinuityError(
            "table tree: empty; run `aegis topics ensure` on a new deployment; if this one was "
            f"in use, see {LOST_STATE}"
        )
    return TreeState.from_bytes(data)


def _note_signature(journal: Path, checkpoint: Checkpoint) -> None:
    with journal.open("a", encoding="utf-8") as file:
        file.write(f"{checkpoint.origin} {checkpoint.size} {checkpoint.root.hex()}\n")
