from __future__ import annotations

import threading

import pytest

from aegis_streams.transport.machine import (
    HOLDS_TRANSACTION,
    TRANSITIONS,
    IllegalTransitionError,
    LaneState,
    StateCell,
)

PATHS = {
    LaneState.ACQUIRING: (),
    LaneState.IDLE: (LaneState.IDLE,),
    LaneState.DELIVERING: (LaneState.IDLE, LaneState.DELIVERING),
    LaneState.COMMITTING: (LaneState.IDLE, LaneState.DELIVERING, LaneState.COMMITTING),
    LaneState.SETTLED: (LaneState.SETTLED,),
    LaneState.FAILED: (LaneState.FAILED,),
}


def cell_in(state: LaneState) -> StateCell:
    cell = StateCell()
    for step in PATHS[state]:
        cell.move(step)
    return cell


@pytest.mark.parametrize("source", LaneState)
@pytest.mark.parametrize("target", LaneState)
def test_only_the_table_allows_a_change(source: LaneState, target: LaneState) -> None:
    cell = cell_in(source)
    if target in TRANSITIONS[source]:
        cell.move(target)
        assert cell.value is target
    else:
        with pytest.raises(IllegalTransitionError, match=f"{source.value} -> {target.value}"):
            cell.move(target)
        assert cell.value is source


@pytest.mark.parametrize("source", LaneState)
def test_any_state_can_fail_and_a_final_one_stays(source: LaneState) -> None:
    cell = cell_in(source)
    cell.finish(LaneState.FAILED)
    expected = source if source is LaneState.SETTLED else LaneState.FAILED
    assert cell.value is expected


@pytest.mark.parametrize("state", [s for s in LaneState if s in HOLDS_TRANSACTION])
def test_an_open_transaction_is_never_settled_at_once(state: LaneState) -> None:
    assert LaneState.SETTLED not in TRANSITIONS[state]


def test_waiting_ends_with_the_change_waited_for() -> None:
    cell = StateCell()
    threading.Timer(0.02, cell.move, [LaneState.IDLE]).start()
    assert cell.wait_until(lambda state: state is LaneState.IDLE, 10.0)


def test_waiting_gives_up() -> None:
    assert not StateCell().wait_until(lambda state: state is LaneState.IDLE, 0.01)


def test_the_time_of_a_change_is_kept() -> None:
    times = iter([1.0, 5.0])
    cell = StateCell(lambda: next(times))
    cell.move(LaneState.IDLE)
    assert cell.since == 5.0
