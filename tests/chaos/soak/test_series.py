"""The rule by which a soak calls a figure flat."""

from __future__ import annotations

import random

import pytest

from chaos.soak.series import BOUNDS, LEAST, MIB, judge_cost, judge_level

TIMES = [30.0 * number for number in range(120)]


def noisy(per_hour: float, noise: float, level: float = 100 * MIB) -> list[float]:
    chance = random.Random(4)  # noqa: S311  # repeatable on purpose, no secret
    return [level + per_hour * at / 3600 + chance.gauss(0, noise) for at in TIMES]


def test_a_level_with_noise_is_flat() -> None:
    found = judge_level("worker", "rss", TIMES, noisy(0, 3 * MIB))
    assert found.verdict == "flat"
    assert found.low < BOUNDS["rss"]


def test_a_leak_is_found_below_its_noise() -> None:
    found = judge_level("worker", "rss", TIMES, noisy(40 * MIB, 3 * MIB))
    assert found.verdict == "grows"
    assert found.slope == pytest.approx(40 * MIB, rel=0.3)


def test_growth_within_the_bound_is_flat() -> None:
    assert judge_level("worker", "rss", TIMES, noisy(2 * MIB, 1 * MIB)).verdict == "flat"


def test_what_fills_up_at_the_start_is_no_growth() -> None:
    filling = [min(80.0, at / 20) * MIB for at in TIMES]
    assert judge_level("worker", "rss", TIMES, filling).verdict == "flat"


def test_one_spike_is_no_growth() -> None:
    handles = [40.0] * 119 + [900.0]
    assert judge_level("worker", "handles", TIMES, handles).verdict == "flat"


def test_handles_that_leak_one_by_one_are_found() -> None:
    handles = [40.0 + number // 10 for number in range(120)]
    assert judge_level("worker", "handles", TIMES, handles).verdict == "grows"


def test_a_server_of_others_is_shown_and_not_judged() -> None:
    found = judge_level("kafka", "rss", TIMES, noisy(200 * MIB, MIB), ours=False)
    assert found.verdict == "not judged"
    assert found.slope > BOUNDS["rss"]


def test_too_few_samples_are_not_judged() -> None:
    few = TIMES[: 2 * LEAST - 2]
    assert judge_level("worker", "lag", few, few).verdict == "too short"
    assert judge_cost("disk", few, few).verdict == "too short"


def test_a_cost_may_grow_with_the_inputs_and_no_faster() -> None:
    inputs = [100.0 * number for number in range(120)]
    linear = [number * 550.0 for number in inputs]
    faster = [number * 550.0 + number**2 / 10 for number in inputs]
    assert judge_cost("disk", inputs, linear).verdict == "flat"
    assert judge_cost("disk", inputs, faster).verdict == "grows"
    assert judge_cost("nothing", inputs, [0.0] * 120).verdict == "flat"
