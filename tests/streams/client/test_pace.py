"""A pace is kept on the injected clock, without bursts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_streams.client.pace import MAX_CATCH_UP, Pace


class Clock:
    """Time that only moves when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(st.floats(0.1, 10_000), st.integers(1, 60))
def test_turns_are_an_interval_apart(rate: float, turns: int) -> None:
    clock = Clock()
    pace = Pace(rate, clock, clock.sleep)
    for _ in range(turns):
        pace.next()
    assert clock.now - 100 == pytest.approx((turns - 1) / rate)


def test_without_a_rate_nothing_waits() -> None:
    clock = Clock()
    pace = Pace(None, clock, clock.sleep)
    for _ in range(1_000):
        pace.next()
    assert clock.now == 100


def test_after_a_pause_at_most_a_second_is_caught_up() -> None:
    clock = Clock()
    pace = Pace(10, clock, clock.sleep)
    pace.next()
    clock.now += 60
    for _ in range(10 + 1):
        pace.next()
    assert clock.now == 160
    pace.next()
    assert clock.now == pytest.approx(160 + 0.1)
    assert MAX_CATCH_UP == 1


def test_a_sleep_that_returns_early_is_repeated() -> None:
    clock = Clock()
    pace = Pace(1, clock, lambda seconds: clock.sleep(min(seconds, 0.3)))
    pace.next()
    pace.next()
    assert clock.now == pytest.approx(101)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_be_above_zero(rate: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Pace(rate)
