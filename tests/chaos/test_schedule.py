"""The schedule: repeatable, complete, and carried out step by step."""

from __future__ import annotations

import pytest

from chaos.actions import ACTIONS
from chaos.agenda import Action, Agenda, Until, pause
from chaos.schedule import EXTRA_SLOT, NETWORK, POINTS, ROLES, ROUND_SECONDS, Step, counts, schedule
from chaos.timeline import Event, Timeline


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_schedule_follows_from_its_seed() -> None:
    assert schedule(7, 300) == schedule(7, 300)
    assert schedule(7, 300) != schedule(8, 300)


@pytest.mark.parametrize("seed", range(20))
def test_the_shortest_run_has_everything(seed: int) -> None:
    steps = schedule(seed, 60)
    planned = counts(steps)
    injected = [step.detail.split(":") for step in steps if step.action == "inject"]
    killed = planned["kill"] + planned["inject"] + sum(1 for each in injected if each[1] == "kill")
    assert killed >= 10
    assert planned["freeze"] + planned["replace"] >= 4
    assert planned["restart_broker"] == planned["kill_broker"] == 1
    assert planned["leave"] + planned["join"] >= 2
    assert {each[0] for each in injected} == set(POINTS)
    assert {each[1] for each in injected} == {"kill", "stop"}
    for role in ROLES:
        frozen = [s for s in steps if s.role == role and s.action in ("freeze", "replace")]
        assert {step.action for step in frozen} == {"freeze", "replace"}


def test_every_step_has_an_action_and_a_time_within_the_run() -> None:
    steps = schedule(3, 1_000)
    assert steps == sorted(steps)
    for step in steps:
        assert step.action in ACTIONS
        assert 0 <= step.at <= 1_000
        assert (step.slot == EXTRA_SLOT) == (step.action == "join")


def test_a_long_run_deals_a_deck_per_round() -> None:
    short, long = counts(schedule(3, ROUND_SECONDS)), counts(schedule(3, 18 * ROUND_SECONDS))
    assert {action: long[action] for action in short} == {
        action: 18 * number for action, number in short.items()
    }
    assert {action: number for action, number in long.items() if action not in short} == {
        **dict.fromkeys(NETWORK, 18),
        "outage": 45,
        "freeze_broker": 9,
        "disk_full": 6,
    }


def test_a_schedule_starts_alike_in_every_process() -> None:
    first = schedule(2_026, 1_800)[0]
    assert (first.at, first.action, first.target) == (1.66, "replace", "decide-1")


def test_half_an_hour_holds_what_the_release_asks_for() -> None:
    planned = counts(schedule(11, 1_800))
    assert planned["kill"] + 2 * planned["inject"] - planned["inject"] // 3 >= 200
    assert planned["freeze"] + planned["replace"] >= 50
    assert planned["restart_broker"] + planned["kill_broker"] >= 20


def test_the_target_of_a_step() -> None:
    assert Step(0, "kill", "seal", 1).target == "seal-1"
    assert Step(0, "kill_broker").target == "kafka"


def test_servers_wait_for_each_other_and_a_network_does_not_hold_its_worker() -> None:
    assert Step(0, "kill_broker").holds == Step(0, "outage", server="registry").holds
    assert Step(0, "cut", "seal", 1).holds == "seal-1 network"
    assert Step(0, "kill", "seal", 1).holds == "seal-1"


def test_an_action_goes_on_when_its_condition_holds() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    seen: list[bool] = []
    open_: list[int] = []

    def action() -> Action:
        seen.append((yield Until(lambda: bool(open_), 10)))

    agenda.begin(action())
    agenda.advance()
    assert seen == []
    open_.append(1)
    agenda.advance()
    assert seen == [True]
    assert agenda.idle


def test_an_action_goes_on_when_its_time_is_over() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    seen: list[bool] = []

    def action() -> Action:
        seen.append((yield pause(5)))
        seen.append((yield Until(lambda: True, 5)))

    agenda.begin(action())
    clock.now += 4.9
    agenda.advance()
    assert not agenda.idle
    clock.now += 0.1
    agenda.advance()
    agenda.advance()
    assert seen == [False, True]
    assert agenda.idle


def test_a_timeline_keeps_order_and_time() -> None:
    clock = Clock()
    shown: list[Event] = []
    timeline = Timeline(clock, shown.append)
    clock.now += 1.5
    timeline.note("kill", "decide-0")
    clock.now += 1
    timeline.note("start", "decide-0.2", "plan")
    assert [event[:3] for event in timeline.events] == [
        (1.5, "kill", "decide-0"),
        (2.5, "start", "decide-0.2"),
    ]
    assert timeline.of("start") == shown[1:]
