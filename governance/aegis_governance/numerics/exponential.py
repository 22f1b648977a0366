"""A portable exponential.

The C library's ``exp`` differs in the last bit between platforms and from numpy's. This one uses
only +, -, *, comparison and exact scaling by powers of two, each of which IEEE 754 defines to the
last bit, so the same input gives the same bits everywhere.

Method: ``x = k ln2/32 + r`` with ``|r| <= ln2/64``; then ``exp(x) = 2**(k div 32) * T[k mod 32] *
exp(r)``, where ``T[j] = 2**(j/32)`` is held as an unevaluated sum of two floats and ``exp(r)`` is
its Taylor polynomial of degree 6 (next term below 4e-18). The tables come from exact decimal
arithmetic when the module is imported; no constant is typed in by hand.
"""

from __future__ import annotations

from decimal import Context, Decimal
from math import inf, ldexp
from typing import Final

_STEPS: Final = 32
_CONTEXT: Final = Context(prec=50)
_LN2: Final = _CONTEXT.ln(Decimal(2))
_LN2_STEP: Final = _CONTEXT.divide(_LN2, Decimal(_STEPS))
# The high part of ln2/32 keeps 32 bits, so that multiplying it by any k used here is exact.
STEP_HIGH: Final = ldexp(float(int(_CONTEXT.multiply(_LN2_STEP, Decimal(2**37)))), -37)
STEP_LOW: Final = float(_CONTEXT.subtract(_LN2_STEP, Decimal(STEP_HIGH)))
STEPS_PER_UNIT: Final = float(_CONTEXT.divide(Decimal(1), _LN2_STEP))
# Adding and subtracting 1.5 * 2**52 rounds a float of modest size to the nearest integer.
ROUNDER: Final = 6755399441055744.0


def _root(j: int) -> tuple[float, float]:
    exact = _CONTEXT.exp(_CONTEXT.multiply(_LN2_STEP, Decimal(j)))
    high = float(exact)
    return high, float(_CONTEXT.subtract(exact, Decimal(high)))


ROOTS: Final = tuple(_root(j) for j in range(_STEPS))
C3, C4, C5, C6 = 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0

LARGEST: Final = 709.782712893384
"""The largest argument whose exponential is finite."""
SMALLEST: Final = -745.1332191019412
"""The smallest argument whose exponential is not zero."""


def exp_sum(x: float, low: float) -> float:
    """Return exp(x + low), for ``SMALLEST <= x <= LARGEST`` and a ``low`` much smaller than one."""
    k = (x * STEPS_PER_UNIT + ROUNDER) - ROUNDER
    r = ((x - k * STEP_HIGH) - k * STEP_LOW) + low
    n = int(k)
    high, rest = ROOTS[n & 31]
    p = r + r * r * (0.5 + r * (C3 + r * (C4 + r * (C5 + r * C6))))
    return ldexp(high + (rest + high * p), n >> 5)


def exp(x: float) -> float:
    """Return e to the power ``x``, within 1 ulp (subnormal results: within one subnormal step).

    Args:
        x: Any float.

    Returns:
        The exponential; infinity above ``LARGEST``, 0.0 below ``SMALLEST``, NaN for NaN.
    """
    if SMALLEST <= x <= LARGEST:
        return exp_sum(x, 0.0)
    if x > LARGEST:
        return inf
    return 0.0 if x < SMALLEST else x
