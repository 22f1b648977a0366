"""The profit gate: is a large adverse change of profit likely?

The normalised change is ``(baseline - proposed) / max(|baseline|, epsilon_P)`` when drops are
watched, and its opposite when rises are (``profit_direction``). The gate fails when the probability
that the true change reaches ``profit_trigger_factor`` is above ``trigger_confidence_prob``, or when
the proposed profit is below ``profit_floor``, if one is set.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from aegis_governance.gates.result import GateResult
from aegis_governance.posterior import BayesianPosterior
from aegis_governance.vocabulary import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_governance.config import AegisConfig


def profit_gate(config: AegisConfig) -> Callable[[float, float], GateResult]:
    """Return the function (baseline, proposed) -> result.

    The result holds the probability and ``trigger_confidence_prob``; below the floor it holds the
    proposed profit and the floor, with confidence 1.
    """
    posterior = BayesianPosterior(0.0, config.prior_sigma, config.likelihood_sigma)
    probability = posterior.exceedance(config.profit_trigger_factor, predictive=config.predictive)
    epsilon, threshold = config.epsilon_P, config.trigger_confidence_prob
    floor = -inf if config.profit_floor is None else config.profit_floor
    drop = config.profit_direction == "drop"
    passed, failed = GateOutcome.PASSED, GateOutcome.FAILED

    def evaluate(baseline: float, proposed: float) -> GateResult:
        if not proposed >= floor:
            return GateResult(failed, proposed, floor, 1.0)
        size = baseline if baseline >= 0.0 else -baseline
        change = (baseline - proposed) if drop else (proposed - baseline)
        p = probability(change / (size if size > epsilon else epsilon))
        if p <= threshold:
            return GateResult(passed, p, threshold, 1.0 - p)
        return GateResult(failed, p, threshold, p)

    return evaluate
