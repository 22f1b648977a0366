"""Leaves on their way into the audit database."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from psycopg.sql import SQL, Identifier, Placeholder

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from aegis_codecs.records.audit import AuditEntry

LONG_NAME: Final = random.Random(1).randbytes(20_000).hex()  # noqa: S311  # no secret
"""A text that no index takes, and that does not compress."""
COLUMNS: Final = (
    "log", "sequence", "previous_hash", "leaf_hash", "entry_hash", "body", "kind", "time",
    "agent_id", "proposal_id", "decision_id", "status", "actor",
)  # fmt: skip
_INSERT: Final = SQL("insert into aegis.audit_records ({}) values ({})").format(
    SQL(", ").join(map(Identifier, COLUMNS)), SQL(", ").join(Placeholder() for _ in COLUMNS)
)


def values(entry: AuditEntry) -> list[Any]:
    """The columns of an entry, as the connector writes them."""
    found = entry._asdict()
    found["time"] = datetime.fromtimestamp(entry.time / 1000, UTC)
    return [found[name] for name in COLUMNS]


def insert(connection: psycopg.Connection, entries: Iterable[AuditEntry]) -> None:
    """Insert entries in one transaction, as one batch of the connector."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_INSERT, [values(entry) for entry in entries])


def insert_checkpoint(
    connection: psycopg.Connection, log: str, size: int, note: bytes, *, keep: bool = True
) -> None:
    """Insert a checkpoint, as the connector does."""
    connection.execute(
        "insert into aegis.checkpoints (log, size, note, keep) values (%s, %s, %s, %s)",
        [log, size, note, keep],
    )


def stored(connection: psycopg.Connection, log: str | None = None) -> list[tuple[str, int]]:
    """Log and sequence of every row, in order."""
    rows = connection.execute(
        "select log, sequence from aegis.audit_records where log = coalesce(%s, log) order by 1, 2",
        [log],
    )
    return [(str(name), int(sequence)) for name, sequence in rows]


def quarantined(connection: psycopg.Connection) -> list[tuple[str, int, str]]:
    """Log, sequence and reason of everything refused, in the order of arrival."""
    rows = connection.execute(
        "select log, sequence, reason from aegis.audit_quarantine order by id"
    )
    return [(str(log), int(sequence), str(reason)) for log, sequence, reason in rows]


def rehashed(entry: AuditEntry, body: bytes) -> AuditEntry:
    """The entry with another body and hashes that fit it."""
    leaf = sha256(b"\x00" + body).digest()
    entry_hash = sha256(entry.previous_hash + leaf).digest()
    return entry._replace(body=body, leaf_hash=leaf, entry_hash=entry_hash)
