"""The portable functions of `aegis_governance.numerics` for arrays, with the same bits.

They take the same steps in the same order, and numpy's +, -, *, /, comparison, truncation and
``ldexp`` are those of IEEE 754. Both branches of a case are computed and one is picked, so callers
have to silence numpy's floating-point warnings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from aegis_governance.numerics import error_function as erf
from aegis_governance.numerics import exponential as expo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ROOTS_HIGH: Final = np.array([high for high, _ in expo.ROOTS])
_ROOTS_REST: Final = np.array([rest for _, rest in expo.ROOTS])
_COEFFICIENTS: Final = np.array(erf.TABLES).T.copy()
"""Row by row the coefficients of one degree, highest first."""


def exp(x: Floats) -> Floats:
    """Return e to the power of each element, as `aegis_governance.numerics.exp`."""
    inside = (x >= expo.SMALLEST) & (x <= expo.LARGEST)
    found = _exp_sum(np.where(inside, x, 0.0), np.float64(0.0))
    outside = np.where(x > expo.LARGEST, np.inf, np.where(x < expo.SMALLEST, 0.0, x))
    return np.where(inside, found, outside)


def erfc(x: Floats) -> Floats:
    """Return the complementary error function, as `aegis_governance.numerics.erfc`."""
    above = (x >= 0.0) & (x < erf.END)
    below = (x < 0.0) & (x > erf.TWO_FROM)
    inside = above | below
    upper = _upper(np.where(inside, np.abs(x), 0.0))
    outside = np.where(x >= erf.END, 0.0, np.where(x <= erf.TWO_FROM, 2.0, x))
    return np.where(inside, np.where(above, upper, 2.0 - upper), outside)


def phi(x: Floats) -> Floats:
    """Return the standard normal distribution function, as `aegis_governance.numerics.phi`."""
    return 0.5 * erfc(-x * erf.SQRT_HALF)


def _exp_sum(x: Floats, low: Floats | np.float64) -> Floats:
    k = (x * expo.STEPS_PER_UNIT + expo.ROUNDER) - expo.ROUNDER
    r = ((x - k * expo.STEP_HIGH) - k * expo.STEP_LOW) + low
    n = k.astype(np.int32)
    step = n & 31
    high, rest = _ROOTS_HIGH[step], _ROOTS_REST[step]
    p = r + r * r * (0.5 + r * (expo.C3 + r * (expo.C4 + r * (expo.C5 + r * expo.C6))))
    found: Floats = np.ldexp(high + (rest + high * p), n >> 5)
    return found


def _upper(x: Floats) -> Floats:
    index = (x * 4.0).astype(np.int32)
    d = x - (index * 0.25 + 0.125)
    first, *others = _COEFFICIENTS[:, index]
    w = first
    for coefficients in others:
        w = w * d + coefficients
    scaled = x * erf.SPLITTER
    high = scaled - (scaled - x)
    low = x - high
    square = x * x
    rest = ((high * high - square) + 2.0 * high * low) + low * low
    found: Floats = _exp_sum(-square, -rest) * w
    return found
