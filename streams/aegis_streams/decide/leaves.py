"""Appending to the log of a partition: a body becomes a leaf, a link of the chain, an entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from aegis_codecs.log.chain import entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records import bodies
from aegis_codecs.records.audit import AuditEntry, Columns, columns

if TYPE_CHECKING:
    from aegis_streams.decide.head import Head

Given = TypeVar("Given")
KeyedEntry = tuple[bytes | None, AuditEntry]
"""A record key and the entry that goes under it."""
LeafSink = Callable[[Sequence[KeyedEntry]], None]
"""Takes leaves in order."""


class _Waiting(NamedTuple):
    """A leaf whose bytes are not made yet.

    Attributes:
        key: Record key.
        found: What its body will say.
        encode: Makes the body...
        given: ...of this.
    """

    key: bytes | None
    found: Columns
    encode: Callable[[Any], bytes]
    given: object


class LogWriter:
    """Grows the chain of one partition.

    A leaf has its sequence at once, `head.sequence` moves with it. Its bytes and hashes are made
    by `write`, for all leaves that wait, and `head.entry_hash` moves then.
    """

    def __init__(self, head: Head, sink: LeafSink) -> None:
        self._head = head
        self._sink = sink
        self._waiting: list[_Waiting] = []

    def append(self, key: bytes | None, kind: str, fields: dict[str, Any]) -> int:
        """Append a leaf of these fields and return its sequence."""
        return self.append_later(key, columns(kind, fields), _encode, (kind, fields))

    def append_later(
        self, key: bytes | None, found: Columns, encode: Callable[[Given], bytes], given: Given
    ) -> int:
        """Append a leaf whose body is ``encode(given)`` and says `found`; return its sequence."""
        sequence = self._head.sequence
        self._waiting.append(_Waiting(key, found, encode, given))
        self._head.sequence = sequence + 1
        return sequence

    def write(self) -> None:
        """Make the leaves that wait and hand them on.

        Raises:
            EncodeError: A body does not fit its schema or its limit.
        """
        waiting, head = self._waiting, self._head
        made = [each.encode(each.given) for each in waiting]
        sequence, previous = head.sequence - len(waiting), head.entry_hash
        entries: list[KeyedEntry] = []
        for number, (each, body) in enumerate(zip(waiting, made, strict=True), sequence):
            leaf = leaf_hash(body)
            link = entry_hash(previous, leaf)
            entry = AuditEntry(head.log, number, previous, leaf, link, body, *each.found)
            entries.append((each.key, entry))
            previous = link
        self._waiting = []
        head.entry_hash = previous
        self._sink(entries)


def _encode(given: tuple[str, dict[str, Any]]) -> bytes:
    return bodies.encode(*given)
