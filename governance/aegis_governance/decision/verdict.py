"""The verdict: what evaluation says about one proposal, as codes and numbers."""

from __future__ import annotations

from typing import Final, NamedTuple

from aegis_governance.gates.result import NOT_EVALUATED, GateResult
from aegis_governance.vocabulary import PCWStatus

Gates = tuple[GateResult, GateResult, GateResult, GateResult, GateResult, GateResult]
"""Results in the order risk, profit, novelty, complexity, quality, utility."""


class Judgement(NamedTuple):
    """What the decision rule makes of the gates' outcomes; fields as of ``Verdict``."""

    status: PCWStatus
    reason: str
    override_eligible: bool
    constraints: tuple[str, ...]


class Verdict(NamedTuple):
    """What evaluation says.

    Attributes:
        status: Proceed, pause, halt or escalate.
        reason: Stable code (see ``reasons``).
        confidence: Least confidence of the evaluated gates; 0.0 when none was evaluated.
        gates: The six results.
        failing: Names of the failed gates, in gate order.
        override_eligible: Whether a two-key override may release it.
        constraints: Stable codes of what else the reader has to know.
    """

    status: PCWStatus
    reason: str
    confidence: float
    gates: Gates
    failing: tuple[str, ...]
    override_eligible: bool
    constraints: tuple[str, ...]


NO_GATES: Final[Gates] = (NOT_EVALUATED,) * 6


def refused(reason: str) -> Verdict:
    """Return the HALT for an input that was refused before, or failed during, evaluation."""
    return Verdict(PCWStatus.HALT, reason, 0.0, NO_GATES, (), False, ())
