"""The novelty gate: ``G(N) = 1 / (1 + exp(-k (N - N0)))`` against a threshold.

By default the gate passes when ``G >= novelty_threshold``; with ``novelty_direction`` ``at_most``
it passes when ``G <= novelty_threshold``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_governance.gates.result import GateResult
from aegis_governance.numerics import exp
from aegis_governance.vocabulary import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_governance.config import AegisConfig


def novelty_gate(config: AegisConfig) -> Callable[[float], GateResult]:
    """Return the function novelty_score -> result; the value is G."""
    steepness, middle = -config.novelty_k, config.novelty_N0
    threshold = config.novelty_threshold
    at_least = config.novelty_direction == "at_least"
    passed, failed = GateOutcome.PASSED, GateOutcome.FAILED

    def evaluate(score: float) -> GateResult:
        g = 1.0 / (1.0 + exp(steepness * (score - middle)))
        good = g >= threshold if at_least else g <= threshold
        return GateResult(passed if good else failed, g, threshold, 1.0)

    return evaluate
