"""Fixtures of the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from support.database import DatabaseServer, TestDatabase, fresh_database, running_server
from support.stack import RunningStack, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("aegis", deadline=None)  # a busy machine is not a failure
settings.load_profile("aegis")


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """Kafka and the registry, shared by the whole run; mark the test with `stack`."""
    with running_stack() as running:
        yield running


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """PostgreSQL, shared by the whole run; no Kafka is needed."""
    with running_server() as running:
        yield running


@pytest.fixture
def database(database_server: DatabaseServer) -> Iterator[TestDatabase]:
    """An audit database with all migrations, of this test alone."""
    with fresh_database(database_server) as fresh:
        yield fresh
