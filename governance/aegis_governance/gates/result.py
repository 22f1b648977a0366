"""The result of one gate."""

from __future__ import annotations

from typing import Final, NamedTuple

from aegis_governance.vocabulary import GateOutcome


class GateResult(NamedTuple):
    """What one gate found.

    Attributes:
        outcome: Passed, failed or not evaluated.
        value: The number that was judged.
        threshold: What it was judged against.
        confidence: Probability that the outcome is right, 0..1; 1.0 for gates without a
            distribution.
    """

    outcome: GateOutcome
    value: float
    threshold: float
    confidence: float

    @property
    def passed(self) -> bool:
        """Whether the gate was evaluated and passed."""
        return self.outcome is GateOutcome.PASSED


NOT_EVALUATED: Final = GateResult(GateOutcome.NOT_EVALUATED, 0.0, 0.0, 0.0)
"""The result of a gate that had nothing to judge."""
