"""A portable complementary error function, and the normal distribution built on it.

Method: ``erfc(x) = exp(-x^2) * w(x)`` for ``x >= 0`` and ``erfc(-x) = 2 - erfc(x)``. The scaled
function ``w`` falls smoothly from 1 towards ``1 / (x sqrt(pi))``. It satisfies

    ``w'(x) = 2 x w(x) - 2 / sqrt(pi)``,

so its Taylor coefficients at any centre follow from its value there by a short recurrence. The
tables hold the coefficients for the middle of every quarter of ``[0, 27.5)``. They are computed at
import in exact decimal arithmetic: a continued fraction gives ``w(27.5)``, and Taylor steps walk
down from there, the direction in which the equation damps errors. ``x^2`` is carried as an exact
sum of two floats, because a half-ulp of it would cost tens of ulps in the exponential.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from typing import Final

from aegis_governance.numerics.exponential import exp_sum

_DEGREE: Final = 14
_PER_UNIT: Final = 4
END: Final = 27.5
TWO_FROM: Final = -6.0  # below, 2 - erfc(-x) rounds to 2
SPLITTER: Final = 134217729.0  # 2**27 + 1 parts a float into two halves of 26 bits
SQRT_HALF: Final = 0.7071067811865476
_WORKING_DIGITS: Final = 40


def _two_over_root_pi() -> Decimal:
    """2/sqrt(pi), with pi from Machin's formula 16 arctan(1/5) - 4 arctan(1/239)."""

    def arctan_of_inverse(n: int) -> Decimal:
        total = power = Decimal(1) / n
        for k in range(1, 80):
            power /= -n * n
            total += power / (2 * k + 1)
        return total

    pi = 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)
    return 2 / pi.sqrt()


def _scaled_far_out(x: Decimal, slope: Decimal) -> Decimal:
    """The function w at a large x: 1/sqrt(pi) * 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ..."""
    fraction = x
    for k in range(60, 0, -1):
        fraction = x + Decimal(k) / 2 / fraction
    return slope / 2 / fraction


def _taylor(centre: Decimal, value: Decimal, slope: Decimal, degree: int) -> list[Decimal]:
    """Coefficients a with w(centre + d) = sum a[n] d^n: (n+1) a[n+1] = 2 centre a[n] + 2 a[n-1]."""
    a = [value, 2 * centre * value - slope]
    for n in range(1, degree):
        a.append((2 * centre * a[n] + 2 * a[n - 1]) / (n + 1))
    return a


def _evaluate(coefficients: list[Decimal], d: Decimal) -> Decimal:
    total = Decimal(0)
    for coefficient in reversed(coefficients):
        total = total * d + coefficient
    return total


def _build_tables() -> tuple[tuple[float, ...], ...]:
    """Taylor coefficients for each quarter, highest degree first, ready for Horner's scheme."""
    with localcontext(Context(prec=_WORKING_DIGITS)):
        slope = _two_over_root_pi()
        half = Decimal(1) / (2 * _PER_UNIT)
        edge = Decimal(END)
        value = _scaled_far_out(edge, slope)
        rows = []
        for _ in range(int(END * _PER_UNIT)):
            centre = edge - half
            middle = _evaluate(_taylor(edge, value, slope, 34), -half)
            around = _taylor(centre, middle, slope, 34)
            rows.append(tuple(float(a) for a in reversed(around[: _DEGREE + 1])))
            value = _evaluate(around, -half)
            edge -= 2 * half
    return tuple(reversed(rows))


TABLES: Final = _build_tables()


def _upper(x: float) -> float:
    """The function erfc for 0 <= x < 27.5."""
    index = int(x * 4.0)
    d = x - (index * 0.25 + 0.125)
    e, d13, d12, d11, d10, d9, d8, d7, d6, d5, d4, d3, d2, d1, d0 = TABLES[index]
    low6 = ((((((e * d + d13) * d + d12) * d + d11) * d + d10) * d + d9) * d + d8) * d + d7
    w = (((((((low6 * d + d6) * d + d5) * d + d4) * d + d3) * d + d2) * d + d1) * d) + d0
    scaled = x * SPLITTER
    high = scaled - (scaled - x)
    low = x - high
    square = x * x
    rest = ((high * high - square) + 2.0 * high * low) + low * low
    return exp_sum(-square, -rest) * w


def erfc(x: float) -> float:
    """Return the complementary error function of ``x``, within 4 ulp where the result is normal.

    Args:
        x: Any float.

    Returns:
        A value in [0, 2]; 0.0 where the true value is below the smallest float, NaN for NaN.
    """
    if 0.0 <= x < END:
        return _upper(x)
    if TWO_FROM < x < 0.0:
        return 2.0 - _upper(-x)
    if x >= END:
        return 0.0
    return 2.0 if x <= TWO_FROM else x


def phi(x: float) -> float:
    """Return the standard normal distribution function at ``x``: P(Z <= x) = erfc(-x/sqrt 2)/2."""
    return 0.5 * erfc(-x * SQRT_HALF)
