"""The gates one by one: thresholds, edges, and monotone in each input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance import AegisConfig
from aegis_governance.gates import (
    NOT_EVALUATED,
    GateOutcome,
    GateResult,
    UtilityEstimate,
    complexity_gate,
    novelty_gate,
    profit_gate,
    quality_gate,
    risk_gate,
    utility_gate,
)
from support.inputs import SOUND, estimates, profits, units

if TYPE_CHECKING:
    from collections.abc import Callable

PASSED, FAILED = GateOutcome.PASSED, GateOutcome.FAILED
DEFAULT = AegisConfig.default()


def config(**changes: Any) -> AegisConfig:
    return AegisConfig.from_dict(changes)


def assert_monotone(judge: Callable[[float], GateResult], worse: float, better: float) -> None:
    """A better input never turns a pass into a failure."""
    if judge(worse).outcome is PASSED:
        assert judge(better).outcome is PASSED


class TestRisk:
    gate = staticmethod(risk_gate(DEFAULT))

    @pytest.mark.parametrize(
        ("baseline", "proposed", "probability"),
        [(0.1, 0.2, 0.003645), (0.1, 0.3, 0.185547), (0.1, 0.4, 0.814453), (0.1, 0.5, 0.996355)],
    )
    def test_normalised_rise(self, baseline: float, proposed: float, probability: float) -> None:
        result = self.gate(baseline, proposed)
        assert result.value == pytest.approx(probability, abs=5e-7)
        assert result.threshold == 0.95
        failed = probability > 0.95
        assert result.outcome is (FAILED if failed else PASSED)
        assert result.confidence == (result.value if failed else 1.0 - result.value)

    def test_epsilon_replaces_a_smaller_baseline(self) -> None:
        assert self.gate(0.0, 0.02).value == pytest.approx(0.185547, abs=5e-7)
        assert self.gate(0.005, 0.02).value == self.gate(0.0, 0.015).value
        assert self.gate(0.0, 0.04).outcome is FAILED

    def test_equality_with_the_trigger_passes(self) -> None:
        gate = risk_gate(config(trigger_confidence_prob=0.5))
        assert gate(0.125, 0.4375) == GateResult(PASSED, 0.5, 0.5, 0.5)
        assert gate(0.125, math.nextafter(0.4375, 1.0)).outcome is FAILED

    def test_a_high_baseline_does_not_hide_a_high_risk(self) -> None:
        assert self.gate(0.89, 0.9).outcome is PASSED
        result = self.gate(0.95, 0.95)
        assert result == GateResult(FAILED, 0.95, 0.9, 1.0)

    def test_a_ceiling_of_one_is_off(self) -> None:
        assert risk_gate(config(risk_ceiling=1.0))(0.95, 1.0).outcome is PASSED

    def test_predictive_is_wider(self) -> None:
        result = risk_gate(config(predictive=True))(0.1, 0.5)
        assert result.value == pytest.approx(0.963181, abs=5e-7)

    @pytest.mark.parametrize("baseline", [math.nan, 0.1])
    def test_nan_fails(self, baseline: float) -> None:
        proposed = math.nan if baseline == 0.1 else 0.1
        gate = risk_gate(config(risk_ceiling=1.0))
        assert gate(baseline, proposed).outcome is FAILED

    @given(units(), units(), units())
    def test_monotone_in_proposed_risk(self, baseline: float, one: float, other: float) -> None:
        low, high = sorted((one, other))
        assert_monotone(lambda risk: self.gate(baseline, risk), high, low)

    @given(units(), units(), units())
    def test_monotone_in_baseline(self, proposed: float, one: float, other: float) -> None:
        low, high = sorted((one, other))
        assert_monotone(lambda risk: self.gate(risk, proposed), low, high)


class TestProfit:
    gate = staticmethod(profit_gate(DEFAULT))

    def test_defaults_pass(self) -> None:
        assert self.gate(0.0, 0.0).outcome is PASSED

    def test_a_drop_fails_and_a_rise_passes(self) -> None:
        assert self.gate(100.0, -300.0).value == pytest.approx(0.996355, abs=5e-7)
        assert self.gate(100.0, -300.0).outcome is FAILED
        assert self.gate(100.0, 500.0).outcome is PASSED

    def test_the_other_direction_watches_rises(self) -> None:
        gate = profit_gate(config(profit_direction="rise"))
        assert gate(100.0, 500.0) == self.gate(100.0, -300.0)
        assert gate(100.0, -300.0).outcome is PASSED

    def test_losses_are_normalised_by_their_size(self) -> None:
        assert self.gate(-100.0, -500.0) == self.gate(100.0, -300.0)

    def test_floor_is_off_by_default_and_judges_the_amount(self) -> None:
        assert self.gate(-1e9, -1e9).outcome is PASSED
        gate = profit_gate(config(profit_floor=10.0))
        assert gate(100.0, 9.0) == GateResult(FAILED, 9.0, 10.0, 1.0)
        assert gate(100.0, 10.0).outcome is PASSED

    def test_amounts_that_overflow_do_not_pass_a_loss(self) -> None:
        assert self.gate(1.7e308, -1.7e308).outcome is FAILED
        assert self.gate(0.0, -1.7e308).outcome is FAILED
        assert self.gate(0.0, 1.7e308).outcome is PASSED

    def test_nan_fails(self) -> None:
        assert self.gate(math.nan, 1.0).outcome is FAILED
        assert self.gate(1.0, math.nan).outcome is FAILED

    @given(profits(), profits(), profits())
    def test_monotone_in_proposed_profit(self, baseline: float, one: float, other: float) -> None:
        low, high = sorted((one, other))
        assert_monotone(lambda profit: self.gate(baseline, profit), low, high)


class TestNovelty:
    gate = staticmethod(novelty_gate(DEFAULT))

    @pytest.mark.parametrize(
        ("score", "value"), [(0.5, 0.119203), (0.7, 0.5), (0.75, 0.622459), (1.0, 0.952574)]
    )
    def test_logistic_curve(self, score: float, value: float) -> None:
        assert self.gate(score).value == pytest.approx(value, abs=5e-7)

    def test_documented_least_passing_scores(self) -> None:
        assert self.gate(0.74055).outcome is PASSED
        assert self.gate(0.7405).outcome is FAILED
        stricter = novelty_gate(config(novelty_threshold=0.8))
        assert stricter(0.83863).outcome is PASSED
        assert stricter(0.8386).outcome is FAILED

    def test_equality_passes_in_both_directions(self) -> None:
        for direction in ("at_least", "at_most"):
            gate = novelty_gate(config(novelty_threshold=0.5, novelty_direction=direction))
            assert gate(0.7).outcome is PASSED

    def test_the_other_direction(self) -> None:
        gate = novelty_gate(config(novelty_direction="at_most"))
        assert gate(0.5).outcome is PASSED
        assert gate(0.8).outcome is FAILED

    def test_nan_fails(self) -> None:
        assert self.gate(math.nan).outcome is FAILED
        assert novelty_gate(config(novelty_direction="at_most"))(math.nan).outcome is FAILED

    @given(units(), units(), st.sampled_from(["at_least", "at_most"]))
    def test_monotone(self, one: float, other: float, direction: str) -> None:
        low, high = sorted((one, other))
        worse, better = (low, high) if direction == "at_least" else (high, low)
        assert_monotone(novelty_gate(config(novelty_direction=direction)), worse, better)


class TestComplexity:
    gate = staticmethod(complexity_gate(DEFAULT))

    def test_the_floor_itself_passes(self) -> None:
        assert self.gate(0.5) == GateResult(PASSED, 0.5, 0.5, 1.0)
        assert self.gate(math.nextafter(0.5, 0.0)).outcome is FAILED
        assert self.gate(math.nan).outcome is FAILED

    @given(units(), units())
    def test_monotone(self, one: float, other: float) -> None:
        low, high = sorted((one, other))
        assert_monotone(self.gate, low, high)


class TestQuality:
    gate = staticmethod(quality_gate(DEFAULT))

    def test_the_minimum_itself_passes(self) -> None:
        assert self.gate(0.7, (0.7,)) == GateResult(PASSED, 0.7, 0.7, 1.0)
        assert self.gate(math.nextafter(0.7, 0.0), (0.7,)).outcome is FAILED
        assert self.gate(math.nan, (0.7,)).outcome is FAILED

    @pytest.mark.parametrize("subscores", [(0.0,), (1.0, 0.0), [1.0, -0.0, 1.0]])
    def test_a_zero_subscore_fails(self, subscores: list[float]) -> None:
        assert self.gate(1.0, subscores).outcome is FAILED

    @given(units(), units(), st.lists(units(), min_size=1))
    def test_monotone_in_score(self, one: float, other: float, subscores: list[float]) -> None:
        low, high = sorted((one, other))
        assert_monotone(lambda score: self.gate(score, subscores), low, high)

    @given(units(), units())
    def test_monotone_in_subscores(self, one: float, other: float) -> None:
        low, high = sorted((one, other))
        assert_monotone(lambda score: self.gate(1.0, (score,)), low, high)


class TestUtility:
    gate = staticmethod(utility_gate(DEFAULT))

    def test_none_is_not_evaluated(self) -> None:
        assert self.gate(None) is NOT_EVALUATED

    def test_bound_and_confidence(self) -> None:
        result = self.gate(UtilityEstimate(2.0, 1.0))
        assert result.outcome is PASSED
        assert result.value == pytest.approx(0.355)
        assert result.confidence == pytest.approx(0.977250, abs=5e-7)
        result = self.gate(UtilityEstimate(1.0, 1.0))
        assert result.outcome is FAILED
        assert result.value == pytest.approx(-0.645)
        assert result.confidence == pytest.approx(0.158655, abs=5e-7)

    def test_equality_with_theta_fails(self) -> None:
        assert self.gate(UtilityEstimate(0.0, 0.0)) == GateResult(FAILED, 0.0, 0.0, 1.0)
        assert self.gate(UtilityEstimate(5e-324, 0.0)).outcome is PASSED

    def test_configured_z_and_theta(self) -> None:
        assert utility_gate(config(utility_z=3.0))(UtilityEstimate(2.0, 1.0)).outcome is FAILED
        assert utility_gate(config(utility_theta=1.0))(UtilityEstimate(2.0, 1.0)).outcome is FAILED

    def test_nan_fails(self) -> None:
        assert self.gate(UtilityEstimate(math.nan, 1.0)).outcome is FAILED
        assert self.gate(UtilityEstimate(1.0, math.nan)).outcome is FAILED

    @given(estimates(), profits())
    def test_monotone_in_mean(self, estimate: UtilityEstimate, mean: float) -> None:
        worse, better = sorted((estimate.mean, mean))
        assert_monotone(
            lambda value: self.gate(UtilityEstimate(value, estimate.variance)), worse, better
        )

    @given(estimates(), estimates())
    def test_monotone_in_variance(self, one: UtilityEstimate, other: UtilityEstimate) -> None:
        better, worse = sorted((one.variance, other.variance))
        assert_monotone(
            lambda variance: self.gate(UtilityEstimate(one.mean, variance)), worse, better
        )


@given(st.data())
def test_confidences_are_probabilities(data: st.DataObject) -> None:
    results = [
        risk_gate(DEFAULT)(data.draw(units()), data.draw(units())),
        profit_gate(DEFAULT)(data.draw(profits()), data.draw(profits())),
        utility_gate(DEFAULT)(data.draw(estimates())),
    ]
    assert all(0.0 <= result.confidence <= 1.0 for result in results)
    assert novelty_gate(DEFAULT)(SOUND.novelty_score).confidence == 1.0
