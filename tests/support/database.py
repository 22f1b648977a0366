"""A real PostgreSQL for the tests, without Kafka.

The session fixture `database_server` (see tests/conftest.py) starts one server on first use; the
fixture `database` gives each test a database of its own with all migrations applied, copied from a
template in a fraction of a second and dropped afterwards.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final

from psycopg.sql import SQL, Identifier

from aegis_streams.sink.access import ADMIN, AUDITOR, DATABASE, SINK, database_url
from aegis_streams.sink.database import connected
from aegis_streams.sink.prepare import prepare_database
from aegis_streams.stack.components.postgres import Postgres
from aegis_streams.stack.local import LocalStack
from aegis_streams.stack.ports import Ports
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

TEMPLATE: Final = "aegis_template"


class HastyPostgres(Postgres):
    """The server without a care for power cuts; a kill -9 it survives with every commit."""

    options: ClassVar[tuple[str, ...]] = (
        "fsync = off",
        "full_page_writes = off",
        "max_connections = 100",
    )


@dataclass(frozen=True)
class DatabaseServer:
    """A running server.

    Attributes:
        stack: Its process, component "postgres".
        secrets: Directory of the passwords.
    """

    stack: LocalStack
    secrets: Path

    @property
    def port(self) -> int:
        return self.stack.place.ports.postgres

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the address of a database with a role."""
        return database_url(self.secrets, role, self.port, database)

    def restart(self, *, kill: bool = False) -> None:
        """End the server, in order or as a crash would, and start it again."""
        self.stack.restart("postgres", kill=kill)


@dataclass(frozen=True)
class TestDatabase:
    """An audit database of its own for one test.

    Attributes:
        server: Where it lies.
        name: Its name.
    """

    __test__: ClassVar[bool] = False
    server: DatabaseServer
    name: str

    @property
    def admin_url(self) -> str:
        return self.server.url(ADMIN, self.name)

    @property
    def sink_url(self) -> str:
        return self.server.url(SINK, self.name)

    @property
    def auditor_url(self) -> str:
        return self.server.url(AUDITOR, self.name)

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection]:
        """Connect as a superuser, each statement a transaction of its own."""
        with connected(self.admin_url) as connection:
            yield connection

    @contextmanager
    def sink(self) -> Iterator[psycopg.Connection]:
        """Connect as the connector does."""
        with connected(self.sink_url) as connection:
            yield connection

    @contextmanager
    def auditor(self) -> Iterator[psycopg.Connection]:
        """Connect as an auditor does."""
        with connected(self.auditor_url) as connection:
            yield connection


@contextmanager
def running_server() -> Iterator[DatabaseServer]:
    """Start a server on a free port with the template in it, and end it afterwards."""
    home = stack_directory("postgres")
    try:
        with LocalStack(home, Ports.free(), home / "jars", (HastyPostgres,)) as stack:
            server = DatabaseServer(stack, stack.place.layout.secrets)
            prepare_database(server.url(ADMIN, TEMPLATE), server.secrets)
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


_numbers = count(1)


@contextmanager
def fresh_database(server: DatabaseServer) -> Iterator[TestDatabase]:
    """Copy the template for the length of a block."""
    name, server_url = f"test_{next(_numbers)}", server.url(ADMIN, "postgres")
    with connected(server_url) as connection:
        copy = SQL("create database {} template {}")
        connection.execute(copy.format(Identifier(name), Identifier(TEMPLATE)))
    try:
        yield TestDatabase(server, name)
    finally:
        with connected(server_url) as connection:
            drop = SQL("drop database {} with (force)")
            connection.execute(drop.format(Identifier(name)))
