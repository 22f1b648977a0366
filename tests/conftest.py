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


@pytest.hookimpl(tryfirst=True)  # the plugin that sends tests to processes reads the marks next
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together, if there are several processes, what shares the stack, and what has its own.

    All other tests go wherever there is time.
    """
    for item in items:
        if item.get_closest_marker("stack") is not None:
            shared = "stack" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("stack" if shared else "servers"))


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
