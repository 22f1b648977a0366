"""Retention by its own rules, in a log far shorter than a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.sql import SQL, Identifier

if TYPE_CHECKING:
    import psycopg


def retire(admin: psycopg.Connection, below: int) -> None:
    """Make partitions as narrow as the log is short, and retire the leaves before a sequence.

    Args:
        admin: A superuser with the triggers out of the way.
        below: The first sequence that stays; a kept checkpoint must cover the one before.
    """
    admin.execute("create temp table kept as select * from aegis.audit_records")
    for (partition,) in admin.execute(
        "select partition::oid from aegis.audit_partitions"
    ).fetchall():
        row = admin.execute("select relname from pg_class where oid = %s", [partition]).fetchone()
        assert row is not None
        admin.execute(SQL("drop table {}").format(Identifier("aegis", row[0])))
    admin.execute("insert into aegis.audit_records select * from kept")
    for width in (below, 1_000):
        admin.execute("select aegis.audit_add_partition(%s)", [width])
    admin.execute("select aegis.retire_partition(0, interval '0')")
