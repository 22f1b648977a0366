"""The quality gate: the score reaches its minimum, and no subscore is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_governance.gates.result import GateResult
from aegis_governance.vocabulary import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aegis_governance.config import AegisConfig


def quality_gate(config: AegisConfig) -> Callable[[float, Sequence[float]], GateResult]:
    """Return the function (quality_score, quality_subscores) -> result; the value is the score."""
    minimum = config.quality_min_score
    passed, failed = GateOutcome.PASSED, GateOutcome.FAILED

    def evaluate(score: float, subscores: Sequence[float]) -> GateResult:
        good = score >= minimum and 0.0 not in subscores
        return GateResult(passed if good else failed, score, minimum, 1.0)

    return evaluate
