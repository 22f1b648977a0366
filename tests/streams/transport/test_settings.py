from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from aegis_streams.transport import FaultPlan, TransportConfigError, TransportSettings
from aegis_streams.transport.faults import Fault, FaultAction, FaultPoint
from aegis_streams.transport.settings import _BOUNDS


def settings(**changes: Any) -> TransportSettings:
    return TransportSettings(**({"bootstrap": "kafka:9092", "group": "orders"} | changes))


def test_names_follow_from_group_slot_and_partition() -> None:
    made = settings(slot=3)
    assert made.instance_id == "orders-3"
    assert made.transactional_id(7) == "orders-7"
    assert made.changelog("totals") == "orders-totals-changelog"


@pytest.mark.parametrize("name", ["bootstrap", "group"])
def test_addresses_must_be_there(name: str) -> None:
    with pytest.raises(TransportConfigError, match=name):
        settings(**{name: ""})


@pytest.mark.parametrize("name", _BOUNDS)
def test_every_limit_is_bounded_on_both_sides(name: str) -> None:
    low, high = _BOUNDS[name]
    for value in (low - 1, high + 1):
        with pytest.raises(TransportConfigError, match=f"{name}={value}"):
            settings(**{name: value})


def test_a_rebalance_can_always_wait_for_a_batch_in_hand() -> None:
    with pytest.raises(TransportConfigError, match="barrier_timeout"):
        settings(max_poll_interval=60.0, barrier_timeout=30.0, commit_timeout=30.0)


def test_faults_are_read_from_text() -> None:
    plan = FaultPlan.parse("between:kill:7, after:stop:12")
    assert plan.faults == (
        Fault(FaultPoint.BETWEEN, FaultAction.KILL, 7),
        Fault(FaultPoint.AFTER, FaultAction.STOP, 12),
    )
    assert FaultPlan.parse("").faults == ()


@pytest.mark.parametrize("text", ["kill:7", "between:kill", "between:hang:7", "between:kill:x"])
def test_other_fault_texts_are_refused(text: str) -> None:
    with pytest.raises(TransportConfigError, match="before\\|between\\|after"):
        FaultPlan.parse(text)


def test_a_fault_waits_for_an_attempt_that_gets_to_its_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))
    plan = FaultPlan.parse("after:stop:2")
    for point, number in ((FaultPoint.AFTER, 1), (FaultPoint.BEFORE, 2), (FaultPoint.BEFORE, 3)):
        plan.at(point, number)
    assert sent == []
    plan.at(FaultPoint.AFTER, 3)
    plan.at(FaultPoint.AFTER, 4)
    assert sent == [signal.SIGSTOP]


def test_a_fault_hits_its_point_and_batch_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))
    plan = FaultPlan.parse("between:kill:2")
    for _ in range(3):
        number = plan.next_batch()
        for point in FaultPoint:
            plan.at(point, number)
    assert sent == [signal.SIGKILL]
