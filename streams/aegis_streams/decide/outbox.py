"""Where a batch's leaves and dead letters go: counted, encoded, produced in its transaction."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from aegis_codecs.records.envelopes import Origin, dead_letter
from aegis_streams.names import AUDIT, DEAD_LETTERS

if TYPE_CHECKING:
    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.decide.processor import DeadLetter
    from aegis_streams.records import Records
    from aegis_streams.transport.batch import Headers


class Emitter(Protocol):
    """The batch being processed, as far as producing goes."""

    def emit(
        self,
        topic: str,
        *,
        value: bytes | None,
        key: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        """Produce to the batch's partition number, inside its transaction."""


class Outbox:
    """Encodes what the processor appends. One per partition; `begin` points it at a batch."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._batch: Emitter | None = None
        self.kinds: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def begin(self, batch: Emitter) -> None:
        """Send what follows into this batch, and count from nothing."""
        self._batch = batch
        self.kinds.clear()
        self.statuses.clear()
        self.refusals.clear()

    def leaf(self, key: bytes | None, entry: AuditEntry) -> None:
        """Produce a leaf to the audit topic."""
        kind, status = entry.kind, entry.status
        self._open.emit(AUDIT, value=self._records.audit(entry), key=key)
        self.kinds[kind] += 1
        if kind == "DecisionMade" and status is not None:
            self.statuses[status] += 1

    def dead_letter(self, letter: DeadLetter) -> None:
        """Produce a dead letter with the original bytes."""
        topic, partition, offset, timestamp, key, value, headers = letter.record
        fields = dead_letter(
            letter.reason,
            letter.detail,
            Origin(topic, partition, offset, timestamp),
            key,
            value,
            dict(headers or ()),
            (letter.log, letter.sequence),
        )
        self._open.emit(DEAD_LETTERS, value=self._records.dead_letter(fields), key=key)
        self.refusals[letter.reason] += 1

    @property
    def _open(self) -> Emitter:
        if self._batch is None:
            raise RuntimeError("no batch has begun")
        return self._batch
