"""The audit database of a `MemoryLog`: what the sink wrote, and what somebody made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.records import audit, envelopes
from aegis_codecs.records.wire import HEADER_SIZE
from aegis_streams.fsck.database import Row
from support.memory_log import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from support.memory_log import MemoryLog

URL = "memory"


@dataclass
class MemoryDatabase:
    """Answers as the judge's own `Database` does.

    Attributes:
        leaves: The rows.
        checkpoints: Size, note and whether it is kept.
        asked: From which sequence on rows were read last.
    """

    leaves: list[Row] = field(default_factory=list)
    checkpoints: list[tuple[int, bytes, bool]] = field(default_factory=list)
    asked: int = -1

    def stands(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Stand for the database, and return the URL that asks for it."""
        monkeypatch.setattr("aegis_streams.fsck.beside.Database", lambda _: self)
        return URL

    def deliver(self, log: MemoryLog, leaves: int, checkpoints: int) -> None:
        """Do the sink's work up to a number of leaves and of checkpoints."""
        entry, envelope = audit.codec(), envelopes.checkpoint_codec()
        for *_, value in log.records[TOPICS.audit][len(self.leaves) : leaves]:
            leaf = entry.decode(value or b"", HEADER_SIZE)
            self.leaves.append(Row(*leaf[1:6], tuple(leaf.columns)))
        for *_, value in log.records[TOPICS.checkpoints][len(self.checkpoints) : checkpoints]:
            made = envelope.decode(value or b"", HEADER_SIZE)
            self.checkpoints.append((made.size, made.note, made.keep))

    def rows(self, log: str, first: int = 0) -> Iterator[Row]:
        """Yield the rows from a sequence on."""
        del log
        self.asked = first
        return (row for row in self.leaves if row.sequence >= first)

    def notes(self, log: str) -> Iterator[tuple[int, bytes, bool]]:
        """Yield the checkpoints."""
        del log
        return iter(self.checkpoints)

    def head(self, log: str) -> tuple[int, bytes]:
        """Return where the guard stands: behind the last row."""
        del log
        rows = self.leaves
        return (rows[-1].sequence + 1, rows[-1].entry_hash) if rows else (0, ZERO_HASH)

    def refused(
        self, table: str, log: str, *, nameless: bool
    ) -> Iterator[tuple[int, int, str, bool]]:
        """Yield nothing: the guard refused nothing."""
        del table, log, nameless
        return iter(())

    def retired(self, log: str) -> tuple[int, int, int, bool]:
        """Return that no leaf is retired."""
        del log
        return 0, -1, -1, False

    def close(self) -> None:
        """Do nothing: nothing is open."""
