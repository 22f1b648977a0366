"""Portable elementary functions: bounds in ulp against mpmath, edges, and pinned bits."""

from __future__ import annotations

import math
import struct
from hashlib import sha256
from typing import TYPE_CHECKING

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance.numerics import erfc, exp, ln, phi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALLEST_NORMAL = 2.0**-1022


def ulps(got: float, exact: mpmath.mpf) -> float:
    """The distance in units of the last place of the exact value's float."""
    spacing = math.ulp(float(exact))
    return float(abs(mpmath.mpf(got) - exact) / spacing)


def exact(function: Callable[[mpmath.mpf], mpmath.mpf], x: float) -> mpmath.mpf:
    with mpmath.workprec(300):
        return function(mpmath.mpf(x))


def steps(low: float, high: float, count: int) -> Iterator[float]:
    """Numbers from low to high without a pattern in their bits."""
    golden = 0.6180339887498949
    return (low + (high - low) * (i * golden % 1.0) for i in range(count))


@given(st.floats(-745.0, 709.78))
def test_exp_is_within_one_ulp(x: float) -> None:
    assert ulps(exp(x), exact(mpmath.exp, x)) <= 1.0


def test_exp_is_within_one_ulp_on_a_grid() -> None:
    assert max(ulps(exp(x), exact(mpmath.exp, x)) for x in steps(-40.0, 40.0, 2000)) <= 1.0


def test_exp_at_its_edges() -> None:
    assert exp(0.0) == exp(-0.0) == 1.0
    assert exp(709.782712893384) == pytest.approx(1.797693134862273e308, rel=1e-12)
    assert exp(709.7827128933841) == exp(1e300) == exp(math.inf) == math.inf
    assert exp(-745.0) == 5e-324
    assert exp(-745.1332191019412) <= 5e-324
    assert exp(-745.1332191019413) == exp(-math.inf) == 0.0
    assert math.isnan(exp(math.nan))


@given(st.floats(0.0, exclude_min=True, allow_infinity=False))
def test_ln_is_within_one_ulp(x: float) -> None:
    assert ulps(ln(x), exact(mpmath.log, x)) <= 1.0


def test_ln_is_within_one_ulp_near_one() -> None:
    assert max(ulps(ln(x), exact(mpmath.log, x)) for x in steps(0.5, 2.0, 2000)) <= 1.0


def test_ln_at_its_edges() -> None:
    assert ln(1.0) == 0.0
    assert ln(0.0) == ln(-0.0) == -math.inf
    assert ln(math.inf) == math.inf
    assert math.isnan(ln(-1.0))
    assert math.isnan(ln(-math.inf))
    assert math.isnan(ln(math.nan))
    assert ulps(ln(5e-324), exact(mpmath.log, 5e-324)) <= 1.0


@given(st.floats(-7.0, 26.5))
def test_erfc_is_within_four_ulps(x: float) -> None:
    assert ulps(erfc(x), exact(mpmath.erfc, x)) <= 4.0


def test_erfc_is_within_four_ulps_on_a_grid() -> None:
    assert max(ulps(erfc(x), exact(mpmath.erfc, x)) for x in steps(-6.5, 26.5, 2000)) <= 4.0


@pytest.mark.parametrize("x", [26.6, 26.9, 27.0, 27.2])
def test_erfc_below_the_normal_numbers_is_off_by_few_subnormal_steps(x: float) -> None:
    value = exact(mpmath.erfc, x)
    assert value < SMALLEST_NORMAL
    assert abs(erfc(x) - value) <= 4 * 5e-324


def test_erfc_at_its_edges() -> None:
    assert erfc(0.0) == erfc(-0.0) == 1.0
    assert erfc(27.5) == erfc(1e300) == erfc(math.inf) == 0.0
    assert erfc(-6.0) == erfc(-1e300) == erfc(-math.inf) == 2.0
    assert math.isnan(erfc(math.nan))


def test_erfc_is_within_four_ulps_where_its_tables_meet() -> None:
    edges = [i / 4 for i in range(-24, 107)]
    below = [math.nextafter(edge, -math.inf) for edge in edges]
    assert max(ulps(erfc(x), exact(mpmath.erfc, x)) for x in (*edges, *below)) <= 4.0


@given(st.floats(-40.0, 40.0))
def test_phi_is_a_distribution_function(x: float) -> None:
    with mpmath.workprec(300):
        expected = mpmath.ncdf(mpmath.mpf(x))
    assert abs(phi(x) - expected) <= 4e-16
    assert abs(phi(x) + phi(-x) - 1.0) <= 4e-16


def test_bits_are_the_same_on_every_platform_and_python() -> None:
    """The digest was made once; another platform, or Python version, must not change it."""
    values: list[float] = []
    for x in steps(-30.0, 30.0, 4000):
        values += (exp(x), ln(abs(x) + 1e-9), erfc(x), phi(x))
    digest = sha256(struct.pack(f"<{len(values)}d", *values)).hexdigest()
    assert digest == "1b9e74865f4c990a1f2bc823900381963e17ab398f4fb4fc549c00664b7d0b42"
