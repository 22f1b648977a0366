"""The supervisor over small fakes: real processes, real signals."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from typing import TYPE_CHECKING

import psutil
import pytest

from aegis_streams.stack import Layout, Narrator, running_supervisor, take_down
from aegis_streams.stack.leftovers import stop_leftovers
from aegis_streams.stack.processes import ProcessIdentity, wait_until
from aegis_streams.stack.state import ComponentState, Phase, StackState
from support.fake_components import launch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 15.0


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    layout = Layout(tmp_path)
    yield layout
    with Narrator() as narrator:
        take_down(layout, narrator)
    assert mine(tmp_path) == []


def mine(home: Path) -> list[int]:
    """Return the processes that have to do with a home directory."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        command = process.info["cmdline"] or []
        if str(home) in command and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.info["pid"])
    return found


def state(layout: Layout, name: str) -> ComponentState:
    found = StackState.read(layout.state_file)
    known = found.components if found is not None else ()
    return next((each for each in known if each.name == name), ComponentState(name))


def wait_for(
    layout: Layout, name: str, condition: Callable[[ComponentState], bool]
) -> ComponentState:
    assert wait_until(lambda: condition(state(layout, name)), SECONDS), state(layout, name)
    return state(layout, name)


def wait_settled(layout: Layout) -> StackState:
    def settled() -> bool:
        found = StackState.read(layout.state_file)
        return found is not None and found.settled

    assert wait_until(settled, SECONDS)
    found = StackState.read(layout.state_file)
    assert found is not None
    return found


def events(layout: Layout) -> list[tuple[str, str]]:
    """Return (component, event) in the order in which they happened."""
    lines = (layout.home / "events.txt").read_text().splitlines()
    return [(line.split()[1], line.split()[2]) for line in sorted(lines, key=stamp)]


def stamp(line: str) -> float:
    return float(line.split(maxsplit=1)[0])


def down(layout: Layout) -> bool:
    with Narrator() as narrator:
        return take_down(layout, narrator)


def test_starts_in_the_order_of_needs_and_stops_in_the_opposite(layout: Layout) -> None:
    launch(layout, "client", "setup", "server")
    assert [each.name for each in wait_settled(layout).components] == ["server", "setup", "client"]
    assert state(layout, "setup").phase is Phase.DONE
    assert down(layout)
    assert events(layout) == [
        ("server", "started"),
        ("setup", "started"),
        ("setup", "finished"),
        ("client", "started"),
        ("client", "stopped"),
        ("server", "stopped"),
    ]


def test_a_killed_component_is_started_again(layout: Layout) -> None:
    launch(layout, "server", "setup", "client")
    first = next(each for each in wait_settled(layout).components if each.name == "server")
    assert first.process is not None
    first.process.send(signal.SIGKILL)
    second = wait_for(layout, "server", lambda each: each.restarts == 1 and each.phase == "ready")
    assert second.process != first.process
    assert second.detail == "ended with exit code -9"
    assert state(layout, "client").starts == 1, "what needs it is left alone"
    assert state(layout, "setup").starts == 1, "a task is not repeated"


def test_a_component_that_keeps_dying_is_started_ever_more_rarely(layout: Layout) -> None:
    launch(layout, "flapper")
    wait_for(layout, "flapper", lambda each: each.failures >= 5)
    lines = (layout.home / "events.txt").read_text().splitlines()
    times = [stamp(line) for line in lines if "started" in line]
    waits = [after - before for before, after in pairwise(times)]
    assert [wait >= least for wait, least in zip(waits, (0.25, 0.5, 1, 2), strict=True)] == [
        True
    ] * 4
    assert state(layout, "flapper").detail == "ended with exit code 3"
    assert "no luck" in layout.log("flapper").read_text()


def test_a_component_that_does_not_become_ready_is_ended_and_tried_again(layout: Layout) -> None:
    launch(layout, "slow")
    found = wait_for(layout, "slow", lambda each: each.starts >= 2)
    assert "not ready after" in found.detail
    assert len(mine(layout.home)) <= 2, "the supervisor and at most one attempt"


def test_what_ignores_the_signal_is_killed_with_all_its_children(layout: Layout) -> None:
    launch(layout, "stubborn")
    wait_settled(layout)
    grandchild = int((layout.home / "grandchild.pid").read_text())
    assert psutil.pid_exists(grandchild)
    assert down(layout)
    assert wait_until(lambda: ProcessIdentity.of(grandchild) is None, SECONDS)
    assert mine(layout.home) == []


def test_the_supervisor_belongs_to_no_terminal(layout: Layout) -> None:
    launch(layout, "server")
    wait_settled(layout)
    supervisor = running_supervisor(layout)
    server = state(layout, "server").process
    assert supervisor is not None
    assert server is not None
    sessions = {os.getsid(pid) for pid in (os.getpid(), supervisor.pid, server.pid)}
    assert len(sessions) == 3
    os.kill(supervisor.pid, signal.SIGHUP)
    assert down(layout)


def test_a_home_has_one_supervisor(layout: Layout) -> None:
    launch(layout, "server")
    wait_settled(layout)
    owner = running_supervisor(layout)
    second = psutil.Process(launch(layout, "server"))
    assert second.wait(SECONDS) == 1
    assert running_supervisor(layout) == owner
    assert state(layout, "server").starts == 1


def test_what_a_dead_supervisor_left_is_found_and_ended(layout: Layout) -> None:
    launch(layout, "server", "setup", "client")
    wait_settled(layout)
    supervisor = running_supervisor(layout)
    assert supervisor is not None
    supervisor.send(signal.SIGKILL)
    assert wait_until(lambda: running_supervisor(layout) is None, SECONDS)
    assert len(mine(layout.home)) == 2, "server and client live on without it"
    said: list[str] = []
    assert stop_leftovers(layout, ("client", "server"), said.append) == 2
    assert [line.split(":")[0] for line in said] == ["client", "server"]
    assert mine(layout.home) == []
    assert list(layout.run.glob("*.pid")) == []


def test_nothing_running_is_no_error(tmp_path: Path) -> None:
    assert not down(Layout(tmp_path))
