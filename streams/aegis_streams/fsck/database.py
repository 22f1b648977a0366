"""The audit database: one read-only snapshot of it, and what it holds about a log.

Shapes are those of ADR 0010. Rows and retired leaves come in the order of their sequence, in
portions, so that memory stays flat. A null where none may be comes as a value that nothing equals;
only the rights of a superuser put it there.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg
from psycopg import errors

from aegis_streams.fsck.errors import CannotCheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS: Final = "aegis.audit_records"
RETIRED: Final = "aegis.audit_retired"
CHECKPOINTS: Final = "aegis.checkpoints"
HEADS: Final = "aegis.audit_heads"
SCHEMAS: Final = "aegis.body_schemas"
QUARANTINES: Final = ("aegis.audit_quarantine", "aegis.checkpoint_quarantine")
CONNECT_SECONDS: Final = 10
_PORTION: Final = 2_000
_LOWEST: Final = -(2**63)
_ROWS: Final = """
select sequence, coalesce(previous_hash, ''), coalesce(leaf_hash, ''), coalesce(entry_hash, ''),
       body, kind,
       case when isfinite(time) and time = date_trunc('milliseconds', time)
         then (extract(epoch from time) * 1000)::bigint end,
       agent_id, proposal_id, decision_id, status, actor
from aegis.audit_records where log = %s and sequence >= %s order by sequence"""
_RETIRED: Final = """
select sequence, coalesce(leaf_hash, '') from aegis.audit_retired
where log = %s and sequence >= %s order by sequence"""
_NOTES: Final = """
select coalesce(size, -1), coalesce(note, ''), coalesce(keep, false) from aegis.checkpoints
where log = %s order by size"""
_HEAD: Final = """
select coalesce(next_sequence, -1), coalesce(entry_hash, '') from aegis.audit_heads
where log = %s"""
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
_STRANGERS: Final = """
with recursive found (log) as (
  (select min(log) from {table})
  union all
  select (select min(t.log) from {table} t where t.log > found.log) from found
  where found.log is not null
)
select log from found where log is not null and log <> all(%s)"""
"""Every log of a table, each found by one step into the index."""
_NAMELESS: Final = """
select count(*) from {table} where ({column} is null or log is null) and exists (
  select from pg_catalog.pg_attribute a where a.attname in ('log', '{column}') and not a.attnotnull
    and (a.attrelid = '{table}'::regclass
         or a.attrelid in (select relid from pg_catalog.pg_partition_tree('{table}'))))"""
"""Looks at the rows only if the catalogue allows nulls at all."""
_SCHEMAS: Final = """
select coalesce(fingerprint, ''), coalesce(name, ''), type from aegis.body_schemas order by 1"""
_RETIREMENT: Final = """
select count(*), coalesce(min(sequence), -1), coalesce(max(sequence), -1), exists (
  select from aegis.checkpoints c where c.log = %s and c.keep and c.size > (
    select max(sequence) from aegis.audit_retired where log = %s))
from aegis.audit_retired where log = %s"""
_RETIRED_LIVE: Final = r"""
with bounds (text) as (
  select pg_catalog.pg_get_expr(c.relpartbound, c.oid)
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'aegis.audit_records'::regclass
), live (lower, upper) as (
  select (regexp_match(text, 'FROM \(''?(-?\d+)''?\)'))[1]::bigint,
         (regexp_match(text, 'TO \(''?(-?\d+)''?\)'))[1]::bigint
  from bounds where text <> 'DEFAULT'
)
select count(*), coalesce(min(r.sequence), -1) from live join aegis.audit_retired r
  on r.sequence >= coalesce(live.lower, -9223372036854775808)
  and r.sequence < coalesce(live.upper, 9223372036854775807)
where r.log = %s"""


class Row(NamedTuple):
    """A leaf in the database; a retired one has its leaf hash alone."""

    sequence: int
    previous_hash: bytes
    leaf_hash: bytes
    entry_hash: bytes
    body: bytes | None
    copies: tuple[Any, ...]
    retired: bool = False


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
        except psycopg.OperationalError as error:
            raise CannotCheckError(
                f"the database does not answer, or does not let this role in: {_told(error)}; "
                "`aegis up` starts a local one, --database names another"
            ) from error
        except psycopg.Error as error:
            raise CannotCheckError(
                f"the database cannot be asked: {_told(error)}; --database takes "
                "postgresql://ROLE@HOST:PORT/NAME"
            ) from error

    def rows(self, log: str, first: int = 0) -> Iterator[Row]:
        """Yield the rows of a log from a sequence on, with those that were retired.

        From the first leaf on means everything: rows that stand before it too.

        Raises:
            CannotCheckError: The database failed.
        """
        first = first or _LOWEST
        present = (
            Row(row[0], row[1], row[2], row[3], row[4], tuple(row[5:]))
            for row in self._portions("rows", _ROWS, log, first)
        )
        retired = (
            Row(sequence, b"", leaf, b"", None, (), retired=True)
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

    def strangers(self, table: str, known: list[str]) -> list[str]:
        """Return the logs that a table holds and that are not among the known ones."""
        query = _STRANGERS.format(table=table)
        return [log for (log,) in self._portions("logs", query, known)]

    def nameless(self, table: str, column: str | None) -> int:
        """Return how many rows of a table have no log, or null in the column that places them."""
        query = _NAMELESS.format(table=table, column=column or "log")
        ((count,),) = self._portions("rows without a log", query)
        return int(count)

    def schemas(self) -> Iterator[tuple[bytes, str, Any]]:
        """Yield fingerprint, name and type of each schema by which the views read bodies."""
        return self._portions("schemas", _SCHEMAS)

    def retired(self, log: str) -> tuple[int, int, int, bool]:
        """Return how many leaves are retired, the first, the last, and if it is covered."""
        ((count, first, last, kept),) = self._portions("retired", _RETIREMENT, log, log, log)
        return count, first, last, kept

    def retired_in_live_partitions(self, log: str) -> tuple[int, int]:
        """Return how many retired leaves belong to partitions that are not, and the first."""
        ((count, first),) = self._portions("retired", _RETIRED_LIVE, log)
        return count, first

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
            raise self._failed(error, name) from error

    def _failed(self, error: psycopg.Error, name: str) -> CannotCheckError:
        """Return what it means that a query failed: the connection did, or the query itself."""
        if self._connection.closed:
            return CannotCheckError(
                f"the database does not answer any more: {_told(error)}; try again once it runs"
            )
        return CannotCheckError(
            f"the database does not give its {name}: {_told(error)}; {_advice(error)}"
        )


def _told(error: psycopg.Error) -> str:
    return " ".join(str(error).split())


def _advice(error: psycopg.Error) -> str:
    """Return what to do about a query that failed, while the connection did not."""
    match error:
        case errors.InsufficientPrivilege():
            return (
                "this role lacks a right; name the role aegis_auditor, or have the owner of the "
                "database grant it again: usage on the schema aegis, select on all tables in it"
            )
        case psycopg.ProgrammingError():
            return (
                "its tables are not those of this version; is it the audit database? `aegis "
                "database prepare` makes it and brings it up to date; a table that was dropped "
                "comes back with a backup"
            )
        case psycopg.DataError():
            return (
                "a value was changed so that it cannot be read; look at the rows of that table in "
                "psql"
            )
    return "try again"
