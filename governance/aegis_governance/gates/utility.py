"""The utility gate: the lower confidence bound of utility lies above theta.

``LCB = mean - utility_z * sqrt(variance)``, recomputed here; a bound that the proposer supplies is
never read. The confidence is the normal probability that utility lies on the side of theta that the
outcome says: ``Phi((mean - theta) / sigma)`` when passed, its complement when failed.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from aegis_governance.gates.result import NOT_EVALUATED, GateResult
from aegis_governance.numerics import phi
from aegis_governance.vocabulary import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_governance.config import AegisConfig
    from aegis_governance.gates.inputs import UtilityEstimate


def utility_gate(config: AegisConfig) -> Callable[[UtilityEstimate | None], GateResult]:
    """Return the function from an estimate to the result; None is not evaluated."""
    z, theta = config.utility_z, config.utility_theta
    passed, failed = GateOutcome.PASSED, GateOutcome.FAILED

    def evaluate(estimate: UtilityEstimate | None) -> GateResult:
        if estimate is None:
            return NOT_EVALUATED
        mean = estimate.mean
        sigma = sqrt(estimate.variance)
        bound = mean - z * sigma
        good = bound > theta
        confidence = 1.0
        if sigma > 0.0:
            distance = (mean - theta) / sigma
            confidence = phi(distance if good else -distance)
        return GateResult(passed if good else failed, bound, theta, confidence)

    return evaluate
