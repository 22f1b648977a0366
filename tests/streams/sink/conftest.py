"""The sink that the tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.sink import SinkStack, running_sink

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def sink_stack() -> Iterator[SinkStack]:
    """Kafka, registry, PostgreSQL, Connect, a decider and a sealer."""
    with running_sink() as sink, sink.deployment.workers():
        yield sink
