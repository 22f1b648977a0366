"""The risk gate: is the risk too high as it stands, or is a large rise of it likely?

Proposed risk above ``risk_ceiling`` fails: beside a high baseline the second test alone would pass
anything. Otherwise the normalised rise is ``(proposed - baseline) / max(baseline, epsilon_R)``, and
the gate fails when the probability that the true rise reaches ``risk_trigger_factor`` is above
``trigger_confidence_prob``. Comparisons are written so that a NaN fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_governance.gates.result import GateResult
from aegis_governance.posterior import BayesianPosterior
from aegis_governance.vocabulary import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_governance.config import AegisConfig


def risk_gate(config: AegisConfig) -> Callable[[float, float], GateResult]:
    """Return the function (baseline, proposed) -> result.

    The result holds the probability and ``trigger_confidence_prob``; above the ceiling it holds the
    proposed risk and the ceiling, with confidence 1.
    """
    posterior = BayesianPosterior(0.0, config.prior_sigma, config.likelihood_sigma)
    probability = posterior.exceedance(config.risk_trigger_factor, predictive=config.predictive)
    epsilon, threshold = config.epsilon_R, config.trigger_confidence_prob
    ceiling = config.risk_ceiling
    passed, failed = GateOutcome.PASSED, GateOutcome.FAILED

    def evaluate(baseline: float, proposed: float) -> GateResult:
        if not proposed <= ceiling:
            return GateResult(failed, proposed, ceiling, 1.0)
        divisor = baseline if baseline > epsilon else epsilon
        p = probability((proposed - baseline) / divisor)
        if p <= threshold:
            return GateResult(passed, p, threshold, 1.0 - p)
        return GateResult(failed, p, threshold, p)

    return evaluate
