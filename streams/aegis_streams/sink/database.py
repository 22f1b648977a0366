"""Connections to the audit database, and the database itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from aegis_streams.sink.errors import DatabaseUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS: Final = 5
"""How long a connection may take to be made."""


@contextmanager
def connected(url: str, **options: str) -> Iterator[psycopg.Connection]:
    """Connect for the length of a block, each statement a transaction of its own.

    Args:
        url: Address of the database.
        options: Connection parameters that replace those of the address.

    Raises:
        DatabaseUnreachableError: It does not answer, or does not let this role in.
    """
    info = make_conninfo(url, connect_timeout=CONNECT_SECONDS, **options)
    try:
        connection = psycopg.connect(info, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachableError(
            f"{shown(url)}: {error}. `aegis up` starts a local database; AEGIS_DATABASE_URL names "
            "another"
        ) from error
    with connection:
        yield connection


def shown(url: str) -> str:
    """Return an address for a message: without a password, should it hold one."""
    found = conninfo_to_dict(url)
    host, port = found.get("host", "localhost"), found.get("port", 5432)
    return f"database {found.get('dbname', '')} at {host}:{port} as {found.get('user', '')}"


def ensure_database(url: str) -> bool:
    """Make the database that an administrator's address names; return whether it was missing.

    Raises:
        DatabaseUnreachableError: The server does not answer.
    """
    name = conninfo_to_dict(url)["dbname"]
    with connected(url, dbname="postgres") as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return False
        statement = SQL("create database {}").format(Identifier(str(name)))
        connection.execute(statement)
    return True


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Let a role log in with a password; the server gets only what SCRAM needs to verify it."""
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    statement = SQL("alter role {} login password {}")
    connection.execute(statement.format(Identifier(role), Literal(verifier)))
