"""Entries of the audit topic: a leaf with its hashes and searchable copies.

``body``, ``previous_hash``, ``leaf_hash`` and ``entry_hash`` are what counts. The columns after
them are derived from the body by ``columns`` alone, so that whoever doubts one can derive it again.

A body keeps what a refused input said, whatever it was. A copy is there to be searched for, in a
database that takes no NUL and indexes no long text; so only what could be an identifier is copied.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_codecs.records import bodies
from aegis_codecs.records.codec import Codec
from aegis_codecs.records.validation import is_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping


class Columns(NamedTuple):
    """The copies beside a body; None where it says nothing, or nothing that could be an id."""

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


_USUAL: Final = ("agent_id", "proposal_id", "decision_id", "status", "actor")
_SOURCES: Final = {
    "ProposalRepeated": ("agent_id", "proposal_id", "first_decision_id", "status", "actor"),
    "OverrideChanged": ("agent_id", "proposal_id", "decision_id", "state", "actor"),
    "KeyAnnounced": ("agent_id", "proposal_id", "decision_id", "state", "actor"),
}
"""Fields behind the columns, where one has another name than its column."""


@cache
def codec() -> Codec[AuditEntry]:
    """The codec of audit entries."""
    return Codec("AuditEntry", AuditEntry)


def columns(kind: str, fields: Mapping[str, Any]) -> Columns:
    """Derive the columns from a decoded body."""
    said = [fields.get(name) for name in _SOURCES.get(kind, _USUAL)]
    copies = [text if is_identifier(text) else None for text in said]
    return Columns(kind, fields["leaf_time"], *copies)


def columns_of(body: bytes) -> Columns:
    """Derive the columns from the bytes of a body.

    Raises:
        DecodeError: The bytes are not a leaf body.
    """
    return columns(*bodies.decode(body))
