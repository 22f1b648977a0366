"""The audit database: one read-only snapshot of it, and what it holds about a log.

Shapes are those of ADR 0010. Rows and retired leaves come in the order of their sequence, in
portions, so that memory stays flat.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg

from aegis_streams.fsck.errors import CannotCheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS: Final = "aegis.audit_records"
CHECKPOINTS: Final = "aegis.checkpoints"
HEADS: Final = "aegis.audit_heads"
QUARANTINES: Final = ("aegis.audit_quarantine", "aegis.checkpoint_quarantine")
CONNECT_SECONDS: Final = 10
_PORTION: Final = 2_000
_ROWS: Final = """
select sequence, previous_hash, leaf_hash, entry_hash, body, kind,
       (extract(epoch from time) * 1000)::bigint, agent_id, proposal_id, decision_id, status, actor
from aegis.audit_records where log = %s and sequence >= %s order by sequence"""
_RETIRED: Final = """
select sequence, leaf_hash from aegis.audit_retired
where log = %s and sequence >= %s order by sequence"""
_NOTES: Final = "select size, note, keep from aegis.checkpoints where log = %s order by size"
_HEAD: Final = "select next_sequence, entry_hash from aegis.audit_heads where log = %s"
_REFUSED: Final = {
    "aegis.audit_quarantine": """
select q.id, q.sequence, q.reason,
       exists (select from aegis.audit_records r
               where r.log = q.log and r.sequence = q.sequence
               and (r.previous_hash, r.leaf_hash, r.entry_hash, r.body, r.kind, r.time,
                    r.proposal_id, r.status, r.actor,
                    case when octet_length(r.agent_id) <= 512 then r.agent_id end,
                    case when octet_length(r.decision_id) <= 512 then r.decision_id end)
               is not distinct from
                   (q.previous_hash, q.leaf_hash, q.entry_hash, q.body, q.kind, q.time,
                    q.proposal_id, q.status, q.actor,
                    case when octet_length(q.agent_id) <= 512 then q.agent_id end,
                    case when octet_length(q.decision_id) <= 512 then q.decision_id end))
       or exists (select from aegis.audit_retired t
                  where t.log = q.log and t.sequence = q.sequence
                  and t.leaf_hash = sha256('\\x00'::bytea || q.body))
from aegis.audit_quarantine q where q.log = %s or (q.log is null and %s) order by q.id""",
    "aegis.checkpoint_quarantine": "select id, size - 1, reason, false "
    "from aegis.checkpoint_quarantine where log = %s or (log is null and %s) order by id",
}


class Row(NamedTuple):
    """A leaf in the database; a retired one has its leaf hash alone."""

    sequence: int
    previous_hash: bytes
    leaf_hash: bytes
    entry_hash: bytes
    body: bytes | None
    copies: tuple[Any, ...]


class Database:
    """A snapshot of the audit database; nothing is written.

    Args:
        url: ``postgresql://...``.

    Raises:
        CannotCheckError: The database does not answer.
    """

    def __init__(self, url: str) -> None:
        try:
            self._connection = psycopg.connect(
                url, connect_timeout=CONNECT_SECONDS, application_name="aegis-fsck"
            )
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
            self._connection.execute("select 1")
        except psycopg.Error as error:
            raise _unreachable(error) from error

    def rows(self, log: str, first: int = 0) -> Iterator[Row]:
        """Yield the rows of a log from a sequence on, with those that were retired.

        Raises:
            CannotCheckError: The database failed.
        """
        present = (
            Row(row[0], row[1], row[2], row[3], row[4], tuple(row[5:]))
            for row in self._portions("rows", _ROWS, log, first)
        )
        retired = (
            Row(sequence, b"", leaf, b"", None, ())
            for sequence, leaf in self._portions("retired", _RETIRED, log, first)
        )
        return merge(present, retired, key=lambda row: row.sequence)

    def notes(self, log: str) -> Iterator[tuple[int, bytes, bool]]:
        """Yield size, note and whether it is kept, of each checkpoint of a log."""
        return self._portions("notes", _NOTES, log)

    def head(self, log: str) -> tuple[int, bytes]:
        """Return where the guard expects a log to go on, and after which entry hash."""
        found = list(self._portions("head", _HEAD, log))
        return found[0] if found else (0, bytes(32))

    def refused(
        self, table: str, log: str, *, nameless: bool
    ) -> Iterator[tuple[int, int, str, bool]]:
        """Yield id, sequence and reason of what a guard refused, and if it is stored by now.

        Args:
            table: One of `QUARANTINES`.
            log: The log.
            nameless: With what names no log.
        """
        return self._portions("refused", _REFUSED[table], log, nameless)

    def close(self) -> None:
        """Give the snapshot up."""
        self._connection.close()

    def _portions(self, name: str, query: str, *values: object) -> Iterator[Any]:
        try:
            with self._connection.cursor(name, binary=True) as cursor:
                cursor.itersize = _PORTION
                cursor.execute(query.encode(), values)
                yield from cursor
        except psycopg.Error as error:
            raise _unreachable(error) from error


def _unreachable(error: psycopg.Error) -> CannotCheckError:
    return CannotCheckError(f"the database does not answer: {str(error).strip()}")
