"""Where a batch's leaves and dead letters go: counted, encoded, produced in its transaction."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from aegis_codecs.records.envelopes import Origin, dead_letter
from aegis_streams.names import AUDIT, DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_streams.decide.leaves import KeyedEntry
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

    def leaves(self, entries: Sequence[KeyedEntry]) -> None:
        """Produce leaves to the audit topic."""
        encode, emit = self._records.audit, self._open.emit
        values = [encode(entry) for _, entry in entries]
        for (key, _), value in zip(entries, values, strict=True):
            emit(AUDIT, value=value, key=key)
        self.kinds.update(entry.kind for _, entry in entries)
        self.statuses.update(
            entry.status for _, entry in entries if entry.kind == "DecisionMade" and entry.status
        )

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
