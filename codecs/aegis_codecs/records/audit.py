"""Entries of the audit topic: a leaf with its hashes and searchable copies.

``body``, ``previous_hash``, ``leaf_hash`` and ``entry_hash`` are what counts. The columns after
them are derived from the body by ``columns`` alone, so that whoever doubts one can derive it again.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_codecs.records import bodies
from aegis_codecs.records.codec import Codec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Columns(NamedTuple):
    """The copies beside a body; None where the body says nothing."""

    kind: str
    time: int
    agent_id: str | None
    proposal_id: str | None
    decision_id: str | None
    status: str | None
    actor: str | None


class AuditEntry(NamedTuple):
    """One record of the audit topic, fields as in ``schemas/avro/AuditEntry.avsc``."""

    log: str
    sequence: int
    previous_hash: bytes
    leaf_hash: bytes
    entry_hash: bytes
    body: bytes
    kind: str
    time: int
    agent_id: str | None
    proposal_id: str | None
    decision_id: str | None
    status: str | None
    actor: str | None

    @property
    def columns(self) -> Columns:
        """The columns as they stand here, to be compared with ``columns_of(entry.body)``."""
        return Columns(*self[6:])


_SOURCES: Final[dict[str, dict[str, str]]] = {
    "ProposalRepeated": {"decision_id": "first_decision_id"},
    "OverrideChanged": {"status": "state"},
    "KeyAnnounced": {"status": "state"},
}
"""Fields behind a column where their name is another than the column's."""


@cache
def codec() -> Codec[AuditEntry]:
    """The codec of audit entries."""
    return Codec("AuditEntry", AuditEntry)


def columns(kind: str, fields: Mapping[str, Any]) -> Columns:
    """Derive the columns from a decoded body; empty texts count as nothing said."""
    sources = _SOURCES.get(kind, {})

    def text(column: str) -> str | None:
        return fields.get(sources.get(column, column)) or None

    return Columns(
        kind,
        fields["leaf_time"],
        text("agent_id"),
        text("proposal_id"),
        text("decision_id"),
        text("status"),
        text("actor"),
    )


def columns_of(body: bytes) -> Columns:
    """Derive the columns from the bytes of a body.

    Raises:
        DecodeError: The bytes are not a leaf body.
    """
    return columns(*bodies.decode(body))
