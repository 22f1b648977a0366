"""The posterior against the documented vectors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance import BayesianPosterior

VECTORS = [
    (1.0, 0.003645, 0.036819),
    (2.0, 0.185547, 0.275492),
    (2.5, 0.5, 0.5),
    (3.0, 0.814453, 0.724508),
    (3.5, 0.963181, 0.883481),
    (4.0, 0.996355, 0.963181),
]


@pytest.mark.parametrize(("observed", "posterior", "predictive"), VECTORS)
def test_documented_vectors(observed: float, posterior: float, predictive: float) -> None:
    belief = BayesianPosterior()
    assert belief.exceedance(2.0)(observed) == pytest.approx(posterior, abs=5e-7)
    assert belief.exceedance(2.0, predictive=True)(observed) == pytest.approx(predictive, abs=5e-7)


def test_documented_moments() -> None:
    belief = BayesianPosterior()
    assert belief.variance == pytest.approx(0.2)
    assert belief.mean(1.0) == pytest.approx(0.8)
    assert BayesianPosterior(prior_mean=1.0).mean(0.0) == pytest.approx(0.2)


@pytest.mark.parametrize(("predictive", "trigger"), [(False, 3.4195), (True, 3.8793)])
def test_documented_triggers(predictive: bool, trigger: float) -> None:
    probability = BayesianPosterior().exceedance(2.0, predictive=predictive)
    assert probability(trigger - 1e-4) <= 0.95 < probability(trigger + 1e-4)


def test_a_prior_mean_moves_the_probability() -> None:
    belief = BayesianPosterior(prior_mean=2.0)
    assert belief.exceedance(2.0)(2.0) == 0.5


def test_infinite_observations_are_certain() -> None:
    probability = BayesianPosterior().exceedance(2.0)
    assert probability(math.inf) == 1.0
    assert probability(-math.inf) == 0.0


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_probability_never_falls_as_the_observation_rises(one: float, other: float) -> None:
    low, high = sorted((one, other))
    probability = BayesianPosterior().exceedance(2.0)
    assert 0.0 <= probability(low) <= probability(high) + 1e-15 <= 1.0 + 1e-15
