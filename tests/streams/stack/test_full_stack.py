"""The whole stack under `aegis up`: servers, topics, decider and sealer."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from aegis_streams.stack.components import COMPONENTS
from aegis_streams.stack.processes import wait_until
from support.aegis_home import AegisHome
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def home() -> Iterator[AegisHome]:
    found = AegisHome(stack_directory("full"))
    yield found
    found.remove()


@pytest.fixture
def up(home: AegisHome) -> AegisHome:
    done = home.run("up")
    assert done.returncode == 0, done.stderr
    return home


def test_up_brings_every_component(up: AegisHome) -> None:
    status = up.status()
    assert status["ready"], status
    assert [each["name"] for each in status["components"]] == list(COMPONENTS)
    assert up.component("topics")["phase"] == "done"
    assert "aegis.proposals" in up.topics()
    assert wait_until(lambda: up.component("decider")["lag_records"] == 0, 30)


@pytest.mark.parametrize("worker", ["decider", "sealer"])
def test_a_killed_worker_is_back(up: AegisHome, worker: str) -> None:
    before = up.component(worker)
    os.kill(before["pid"], signal.SIGKILL)

    def back() -> bool:
        now = up.component(worker)
        return bool(now["restarts"] > before["restarts"] and now["ready"])

    assert wait_until(back, 60)


def test_down_ends_all_and_up_brings_all_back(up: AegisHome) -> None:
    done = up.run("down")
    assert done.returncode == 0, done.stderr
    assert up.pids() == []
    assert up.run("up").returncode == 0
    assert all(each["restarts"] == 0 for each in up.status()["components"])
