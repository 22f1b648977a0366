"""Portable elementary functions: the same bits on every platform and Python version.

Decisions are replayed byte for byte, so nothing that feeds a decision may call the platform's
``exp``, ``log`` or ``erfc``, nor the built-in ``sum`` over floats (compensated since Python 3.12).
"""

from __future__ import annotations

from aegis_governance.numerics.error_function import erfc, phi
from aegis_governance.numerics.exponential import exp
from aegis_governance.numerics.logarithm import ln

__all__ = ["erfc", "exp", "ln", "phi"]
