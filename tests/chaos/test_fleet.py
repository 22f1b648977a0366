"""The supervisor of the chaos runs, on small processes that only log and wait."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, cast

import pytest

from aegis_streams.stack.layout import Layout
from chaos import fleet as fleet_module
from chaos.actions import Field, freeze, inject, join, kill, leave, replace
from chaos.agenda import Agenda
from chaos.arena import Arena
from chaos.fleet import FIRST_PAUSE, LONGEST_PAUSE, Fleet
from chaos.schedule import Role, Step
from chaos.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chaos.agenda import Action
    from support.stack import RunningStack

ALL = (0, 1)
SLOT: tuple[Role, int] = ("decide", 0)
PEER: tuple[Role, int] = ("decide", 1)
WORKER = """
import json, os, signal, sys
faults = os.environ.get("AEGIS_TEST_FAULTS", "")
print(json.dumps({"message": "partitions owned", "partitions": [0, 1]}), flush=True)
print(json.dumps({"message": "batch undone", "cause": "TEST"}), flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(os.environ["ON_TERM"])))
if ":kill:" in faults:
    os.kill(os.getpid(), signal.SIGKILL)
if ":stop:" in faults:
    os.kill(os.getpid(), signal.SIGSTOP)
while True:
    signal.pause()
"""
CRASHING = "import os; print('assertion failed', flush=True); os.abort()"
BROKEN = "import sys; print('no such thing', flush=True); sys.exit(3)"


class NoServers(Arena):
    """An arena that no action of these tests may enter."""

    def __init__(self) -> None:
        super().__init__(cast("RunningStack", None))


class Stand:
    """A fleet, its timeline and its agenda."""

    def __init__(self, home: Path, script: str = WORKER, on_term: int = 0) -> None:
        self.timeline = Timeline()
        self.fleet = Fleet(
            lambda _role, _slot: [sys.executable, "-c", script],
            Layout(home),
            lambda _role, _slot: {"ON_TERM": str(on_term)},
            self.timeline,
        )
        self.field = Field(self.fleet, NoServers(), self.timeline, len(ALL), home / "clocks")
        self.agenda = Agenda(self.timeline.now)

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.timeline.events
            self.fleet.tick()
            self.agenda.advance()
            time.sleep(0.01)

    def perform(self, action: Action) -> None:
        self.agenda.begin(action)
        self.until(lambda: self.agenda.idle)

    def name(self, slot: tuple[str, int] = SLOT) -> str:
        worker = self.fleet.post(slot).worker
        return "" if worker is None else worker.name


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    made.fleet.want(SLOT)
    made.until(lambda: made.fleet.working(SLOT))
    yield made
    made.fleet.end()


def test_a_killed_worker_is_started_again(stand: Stand, tmp_path: Path) -> None:
    stand.perform(kill(stand.field, Step(0, "kill", *SLOT)))
    stand.until(lambda: stand.fleet.working(SLOT))
    assert stand.name() == "decide-0.2"
    assert stand.fleet.tally.exits == {"SIGKILL": 1}
    assert stand.fleet.tally.undone == {"TEST": 1}
    assert [event.kind for event in stand.timeline.events] == ["start", "kill", "end", "start"]
    assert [path.stem for path in Layout(tmp_path).run.glob("*.pid")] == ["decide-0.2"]


def test_a_worker_that_keeps_failing_is_started_more_and_more_slowly(tmp_path: Path) -> None:
    stand = Stand(tmp_path, BROKEN)
    stand.fleet.want(SLOT)
    stand.until(lambda: stand.fleet.post(SLOT).pause >= 4 * FIRST_PAUSE)
    stand.fleet.end()
    assert stand.fleet.post(SLOT).pause <= LONGEST_PAUSE
    assert "code 3 no such thing" in stand.timeline.of("exit")[0].detail


def test_a_crash_is_a_violation(tmp_path: Path) -> None:
    stand = Stand(tmp_path, CRASHING)
    stand.fleet.want(SLOT)
    stand.until(lambda: bool(stand.fleet.tally.exits))
    stand.fleet.end()
    assert "decide-0.1: ended of SIGABRT" in stand.fleet.tally.violations[0]
    assert "assertion failed" in stand.timeline.of("exit")[0].detail


def test_a_frozen_worker_goes_on(stand: Stand) -> None:
    stand.agenda.begin(freeze(stand.field, Step(0, "freeze", *SLOT, seconds=0.5)))
    worker = stand.fleet.post(SLOT).worker
    assert worker is not None
    stand.until(worker.stopped)
    assert not stand.fleet.working(SLOT)
    stand.until(lambda: stand.fleet.working(SLOT))
    assert stand.name() == "decide-0.1"


def test_a_replaced_worker_that_ends_is_no_violation(stand: Stand) -> None:
    frozen = stand.fleet.post(SLOT).worker
    assert frozen is not None
    stand.agenda.begin(replace(stand.field, Step(0, "replace", *SLOT, seconds=0.5)))
    stand.until(lambda: stand.fleet.working(SLOT))
    assert stand.name() == "decide-0.2"
    assert frozen.exit_code() is None
    frozen.send(signal.SIGTERM)  # takes effect when it is let go on
    stand.until(lambda: stand.agenda.idle)
    assert stand.fleet.tally.violations == []
    assert stand.timeline.of("exit")[0].target == "decide-0.1"


def test_a_replaced_worker_that_lives_on_is_a_violation(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "STRAY_SECONDS", 0.3)
    stray = stand.fleet.desert(SLOT)
    assert stray is not None
    stand.until(lambda: stand.fleet.working(SLOT))
    stand.fleet.thaw(stray)
    stand.until(lambda: stray.worker.exit_code() is not None)
    assert "decide-0.1: lives on beside" in stand.fleet.tally.violations[0]


def test_an_injected_kill(stand: Stand) -> None:
    stand.perform(inject(stand.field, Step(0, "inject", *SLOT, detail="before:kill:1")))
    stand.until(lambda: stand.fleet.working(SLOT))
    assert stand.name() == "decide-0.3"
    assert stand.timeline.of("injected")[0].detail == "before:kill:1"
    assert stand.field.faults == []


def test_an_injected_stop(stand: Stand) -> None:
    stand.perform(inject(stand.field, Step(0, "inject", *SLOT, seconds=0.3, detail="after:stop:1")))
    stand.until(lambda: stand.fleet.working(SLOT))
    assert stand.name() == "decide-0.2"
    assert [event.kind for event in stand.timeline.events][-2:] == ["freeze", "thaw"]


def test_an_injection_that_is_not_reached_is_reported(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chaos.actions.FAULT_SECONDS", 0.3)
    stand.perform(inject(stand.field, Step(0, "inject", *SLOT, detail="never:wait:1")))
    assert [event.detail for event in stand.timeline.of("not reached")] == ["never:wait:1"]


def test_a_worker_leaves_its_peer_takes_over_and_it_joins_again(stand: Stand) -> None:
    stand.fleet.want(PEER)
    stand.until(lambda: stand.fleet.working(PEER))
    stand.perform(leave(stand.field, Step(0, "leave", *SLOT, seconds=0.1)))
    kinds = [event.kind for event in stand.timeline.events]
    assert kinds[-5:] == ["leave", "end", "taken over", "join", "start"]
    assert stand.fleet.tally.exits == {"code 0": 1}


def test_one_more_worker_joins_and_goes(stand: Stand) -> None:
    stand.perform(join(stand.field, Step(0, "join", "decide", 2, seconds=0.1)))
    assert not stand.fleet.post(("decide", 2)).wanted
    assert stand.timeline.of("end")[0].target == "decide-2.1"


def test_two_faults_of_one_worker_wait_for_each_other(stand: Stand) -> None:
    for _ in range(2):
        stand.agenda.begin(stand.field.perform(Step(0, "freeze", *SLOT, seconds=0.2)))
    stand.until(lambda: stand.agenda.idle)
    assert [event.kind for event in stand.timeline.events][1:] == ["freeze", "thaw"] * 2


def test_a_clean_end(stand: Stand) -> None:
    stand.fleet.stop(10)
    assert stand.fleet.tally.violations == []
    assert stand.fleet.tally.exits == {"code 0": 1}


def test_an_end_with_a_fault_is_a_violation(tmp_path: Path) -> None:
    stand = Stand(tmp_path, on_term=70)
    stand.fleet.want(SLOT)
    stand.until(lambda: stand.fleet.working(SLOT))
    stand.fleet.stop(10)
    assert "exit code 70" in stand.fleet.tally.violations[0]
