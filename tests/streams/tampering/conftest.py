"""One real deployment for the whole suite; its records are forged test by test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_streams.names import CHECKPOINTS
from support.auditor import Auditor
from support.forgery import Forger, Snapshot, snapshot

if TYPE_CHECKING:
    from support.database import TestDatabase
    from support.stack import RunningStack


@pytest.fixture(scope="session")
def real(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Everything that real workers wrote."""
    return snapshot(stack, tmp_path_factory.mktemp("tampering"))


@pytest.fixture
def forger(stack: RunningStack, real: Snapshot) -> Forger:
    """Somebody who holds the broker."""
    return Forger(stack, real)


@pytest.fixture(params=["alone", "with an earlier checkpoint"])
def since(request: pytest.FixtureRequest, real: Snapshot) -> list[bytes]:
    """What the reader kept from earlier: nothing, or a checkpoint of half the log."""
    return [] if request.param == "alone" else [real.retained]


@pytest.fixture(params=["beside the topics", "database alone"])
def auditor(request: pytest.FixtureRequest, forger: Forger, database: TestDatabase) -> Auditor:
    """The database filled with the truth."""
    found = Auditor(forger, database, alone=request.param == "database alone")
    found.fill(forger.real.entries(), forger.real.records[CHECKPOINTS])
    return found
