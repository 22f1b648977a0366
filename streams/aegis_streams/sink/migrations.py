"""Applying the versioned SQL files of ``deploy/connect/sql``, each once and never another.

1. take an advisory lock, so that two at once do it one after the other
2. compare what is written down as applied with the files: an edited or missing file is refused
3. apply each further file in a transaction that also writes down its number and hash
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import psycopg

from aegis_streams.sink.errors import MigrationError

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECT_FILES: Final = Path(__file__).resolve().parent.parent / "data" / "connect"
"""The files of ``deploy/connect``: linked into the package in a checkout, copied into a wheel."""
MIGRATIONS: Final = CONNECT_FILES / "sql"
_NAME: Final = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+\.sql")
_LOCK: Final = 0x61656769735F6D31
"""Key of the advisory lock: the bytes of "aegis_m1"."""
_BOOK: Final = """
create schema if not exists aegis_migrations;
create table if not exists aegis_migrations.applied (
  version    integer     primary key,
  name       text        not null,
  sha256     text        not null,
  applied_at timestamptz not null default now()
)
"""


class Migration(NamedTuple):
    """One file.

    Attributes:
        version: Its number, from 1 without gaps.
        name: File name.
        sha256: Hash of its bytes, hexadecimal.
        text: The statements.
    """

    version: int
    name: str
    sha256: str
    text: str


def load_migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """Return the migrations of a directory in their order.

    Raises:
        MigrationError: A name does not fit, or a number is missing or given twice.
    """
    found = [_read(path) for path in sorted(directory.glob("*.sql"))]
    versions = [migration.version for migration in found]
    if not found or versions != list(range(1, len(found) + 1)):
        raise MigrationError(f"{directory}: migrations must be numbered 1, 2, 3 ...: {versions}")
    return found


def apply_migrations(
    connection: psycopg.Connection, migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Bring a database up to date; return the names of what was applied now.

    Args:
        connection: An administrator's connection in autocommit mode.
        migrations: What to apply; those of the package by default.

    Raises:
        MigrationError: The database knows a migration that differs or is not at hand, or one
            cannot be applied; in the latter case nothing of it remains.
    """
    wanted = load_migrations() if migrations is None else migrations
    connection.execute("select pg_advisory_lock(%s)", [_LOCK])
    try:
        connection.execute(_BOOK)
        done = _check_applied(connection, wanted)
        for migration in wanted[done:]:
            _apply(connection, migration)
    finally:
        connection.execute("select pg_advisory_unlock(%s)", [_LOCK])
    return [migration.name for migration in wanted[done:]]


def _read(path: Path) -> Migration:
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise MigrationError(f"{path}: a migration is called NNNN_what_it_does.sql")
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return Migration(int(name["version"]), path.name, digest, data.decode("utf-8"))


def _check_applied(connection: psycopg.Connection, wanted: Sequence[Migration]) -> int:
    """Return how many are applied already."""
    rows = connection.execute(
        "select version, name, sha256 from aegis_migrations.applied order by version"
    ).fetchall()
    for (version, name, digest), migration in zip(rows, wanted, strict=False):
        if (version, digest) != (migration.version, migration.sha256):
            raise MigrationError(
                f"{migration.name}: the database was made from another text of it ({name}, SHA-256 "
                f"{digest[:16]}); an applied migration is never edited, write a further one"
            )
    if len(rows) > len(wanted):
        raise MigrationError(
            f"{rows[-1][1]}: applied to the database and unknown here; this program is older than "
            "the database, use the newer one"
        )
    return len(rows)


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.text.encode())
            connection.execute("reset role")
            connection.execute(
                "insert into aegis_migrations.applied (version, name, sha256) values (%s, %s, %s)",
                [migration.version, migration.name, migration.sha256],
            )
    except psycopg.Error as error:
        raise MigrationError(f"{migration.name}: {error}") from error
