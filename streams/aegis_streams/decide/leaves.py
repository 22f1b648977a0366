"""Appending to the log of a partition: a body becomes a leaf, a link of the chain, an entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aegis_codecs.log.chain import entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records import bodies
from aegis_codecs.records.audit import AuditEntry, Columns, columns

if TYPE_CHECKING:
    from aegis_streams.decide.head import Head

LeafSink = Callable[[bytes | None, AuditEntry], None]
"""Takes the record key and the entry of each leaf, in order."""


class LogWriter:
    """Grows the chain of one partition; `head` moves with every leaf."""

    def __init__(self, head: Head, sink: LeafSink) -> None:
        self._head = head
        self._sink = sink

    def append(self, key: bytes | None, kind: str, fields: dict[str, Any]) -> int:
        """Append a leaf of these fields and return its sequence."""
        return self.append_body(key, bodies.encode(kind, fields), columns(kind, fields))

    def append_body(self, key: bytes | None, body: bytes, found: Columns) -> int:
        """Append a leaf of these bytes and return its sequence; `found` is what they say."""
        head = self._head
        sequence, previous = head.sequence, head.entry_hash
        leaf = leaf_hash(body)
        entry = entry_hash(previous, leaf)
        self._sink(key, AuditEntry(head.log, sequence, previous, leaf, entry, body, *found))
        head.sequence, head.entry_hash = sequence + 1, entry
        return sequence
