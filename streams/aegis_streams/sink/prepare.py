"""Making the audit database ready: the database, its migrations, its passwords, its partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aegis_streams.sink.access import AUDITOR, KEEPER, SINK, ensure_password
from aegis_streams.sink.body_schemas import store_body_schemas
from aegis_streams.sink.database import connected, ensure_database, set_password
from aegis_streams.sink.migrations import apply_migrations

if TYPE_CHECKING:
    from pathlib import Path


class Prepared(NamedTuple):
    """What was done.

    Attributes:
        made: Whether the database was missing.
        applied: Names of the migrations applied now.
        partitions: Partitions made now.
    """

    made: bool
    applied: list[str]
    partitions: int


def prepare_database(admin_url: str, secrets: Path) -> Prepared:
    """Bring a database to the state the sink needs; doing it again changes nothing.

    Args:
        admin_url: Address with an administrator's role.
        secrets: Directory of the roles' passwords.

    Raises:
        DatabaseUnreachableError: The server does not answer.
        MigrationError: The database was made from other migrations.
        SchemaDiffersError: Somebody changed the schemas by which its views read bodies.
    """
    made = ensure_database(admin_url)
    with connected(admin_url) as connection:
        applied = apply_migrations(connection)
        store_body_schemas(connection)
        for role in (SINK, KEEPER, AUDITOR):
            set_password(connection, role, ensure_password(secrets, role))
        row = connection.execute("select aegis.audit_make_partitions()").fetchone()
    return Prepared(made, applied, row[0] if row else 0)
