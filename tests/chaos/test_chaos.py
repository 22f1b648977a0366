"""The short chaos run of the default suite: real servers, real workers, every fault, the oracle."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from aegis_streams.stack.layout import Layout
from aegis_streams.stack.leftovers import stop_leftovers
from chaos.arena import Arena
from chaos.run import ChaosRun, Plan
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.chaos, pytest.mark.timeout(1200)]

SEED = int(os.environ.get("AEGIS_CHAOS_SEED", "3"))
SECONDS = 80.0
RATE = 100.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    found = stack_directory("chaos")
    yield found
    stop_leftovers(Layout(found), (), lambda _: None)
    shutil.move(found / "logs", tmp_path / "logs")
    shutil.rmtree(found, ignore_errors=True)


def test_nothing_is_lost_doubled_or_forked(stack: RunningStack, home: Path, tmp_path: Path) -> None:
    report = ChaosRun(Plan(SEED, SECONDS, RATE), Arena(stack), home).run()
    kept = report.save(tmp_path)
    assert report.sound, f"{report.text()}\nreport and logs: {kept.parent}"
    assert report.counts["kill -9"] >= 10
    assert report.counts["zombies"] >= 4
    assert report.counts["zombies replaced"] >= 2
    assert report.counts["broker restarts"] >= 2
    assert report.counts["leaves"] >= 2
    assert report.counts["joins"] >= 2
    assert report.counts["faults in a commit"] >= 6
    assert report.counts["clock jumps"] >= 3
    assert report.counts["clock beyond the rule"] == 1
    assert report.checked["fsck"] == 1
    assert sum(report.load.values()) > SECONDS * RATE / 2
