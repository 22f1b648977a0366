"""The complexity gate: a hard floor under the complexity score, where higher means simpler.

Nobody may override this gate: a proposal below the floor has to be redesigned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_governance.gates.result import GateResult
from aegis_governance.vocabulary import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_governance.config import AegisConfig


def complexity_gate(config: AegisConfig) -> Callable[[float], GateResult]:
    """Return the function complexity_score -> result."""
    floor = config.complexity_floor
    passed, failed = GateOutcome.PASSED, GateOutcome.FAILED

    def evaluate(score: float) -> GateResult:
        return GateResult(passed if score >= floor else failed, score, floor, 1.0)

    return evaluate
