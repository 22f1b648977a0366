"""Utility from components."""

from __future__ import annotations

import pytest

from aegis_governance import UtilityResult, combine_utility
from aegis_governance.errors import InputError
from aegis_governance.utility import Component

PARTS = {"speed": Component(2.0, 1.0, 0.25), "cost": Component(-1.0, 0.5, 1.0)}


def test_independent_components() -> None:
    result = combine_utility(PARTS)
    assert (result.mean, result.variance) == (1.5, 2.0)
    assert result.lcb == pytest.approx(1.5 - 1.645 * 2.0**0.5)
    assert result.z_score == 1.645
    assert result.components == {"speed": 2.0, "cost": -0.5}


def test_covariances() -> None:
    assert combine_utility(PARTS, {("cost", "speed"): 0.25}).variance == 1.0


def test_unknown_components_and_impossible_covariances() -> None:
    with pytest.raises(InputError, match="covariances"):
        combine_utility(PARTS, {("cost", "weather"): 0.1})
    with pytest.raises(InputError, match="variance"):
        combine_utility(PARTS, {("cost", "speed"): 5.0})


def test_nothing_is_worth_nothing() -> None:
    assert combine_utility({}) == UtilityResult(0.0, 0.0, 0.0, 1.645, {})
