"""Fixtures of the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

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
