"""A portable natural logarithm.

Only +, -, *, / and the exact split into significand and exponent are used. Method: ``x = m 2**e``
with ``sqrt(1/2) <= m < sqrt(2)``, ``f = m - 1``, ``s = f / (2 + f)``; then ``ln m = 2 artanh(s)``.
Because ``2 s = f - s f``, the leading term can be taken as ``f`` itself, which is exact, and only
the small rest ``s (f - R)`` carries rounding errors, with ``R = 2 (s^2/3 + s^4/5 + ...)``.
"""

from __future__ import annotations

from decimal import Context, Decimal
from math import frexp, inf, ldexp, nan
from typing import Final

_CONTEXT: Final = Context(prec=50)
_LN2: Final = _CONTEXT.ln(Decimal(2))
# The high part keeps 40 bits, so that its product with any exponent of a float is exact.
_LN2_HIGH: Final = ldexp(float(int(_CONTEXT.multiply(_LN2, Decimal(2**40)))), -40)
_LN2_LOW: Final = float(_CONTEXT.subtract(_LN2, Decimal(_LN2_HIGH)))
_SQRT_HALF: Final = 0.7071067811865476
# 2/25, 2/23 ... 2/3: thirteen terms reach below 1e-18 for the largest s, 0.1716.
_COEFFICIENTS: Final = tuple(2.0 / n for n in range(25, 1, -2))


def ln(x: float) -> float:
    """Return the natural logarithm of ``x``, within 1 ulp.

    Args:
        x: Any float.

    Returns:
        The logarithm; minus infinity for zero, infinity for infinity, NaN for NaN and below zero.
    """
    if not 0.0 < x < inf:
        return _at_the_edge(x)
    m, e = frexp(x)
    if m < _SQRT_HALF:
        m += m
        e -= 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 0.0
    for coefficient in _COEFFICIENTS:
        r = (r + coefficient) * z
    return e * _LN2_HIGH + (f - (s * (f - r) - e * _LN2_LOW))


def _at_the_edge(x: float) -> float:
    if x == 0.0:
        return -inf
    return x if x == inf else nan
