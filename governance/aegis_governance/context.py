"""The proposal as users of the library state it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aegis_governance.ambient import new_session_id
from aegis_governance.gates import (
    GateInputs,
    InputFault,
    UtilityEstimate,
    validate_inputs,
    validate_texts,
)
from aegis_governance.utility import UtilityResult
from aegis_governance.vocabulary import Impact, PCWPhase, PCWStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Impact", "PCWContext", "PCWPhase", "PCWStatus", "UtilityResult"]

_DEFAULT_SUBSCORES: Final = (0.7, 0.7, 0.7)


@dataclass(frozen=True)
class PCWContext:
    """A proposal: who wants to do what, and how it scores.

    Nothing is checked here; ``pcw_decide`` refuses a faulty proposal with a HALT that names the
    field, and ``fault`` tells beforehand.

    Attributes:
        proposal_summary: What is proposed; not empty.
        estimated_impact: ``low``, ``medium``, ``high`` or ``critical``.
        agent_id: The governed agent.
        session_id: The agent's session; a random one when not given.
        phase: The phase of the work.
        risk_baseline: Risk without the proposal, 0..1.
        risk_proposed: Risk with it, 0..1.
        profit_baseline: Profit without the proposal.
        profit_proposed: Profit with it.
        novelty_score: 0..1.
        complexity_score: 0..1; higher is simpler.
        quality_score: 0..1.
        quality_subscores: One or more numbers 0..1.
        utility_result: Estimated utility, or None.
        requires_human_approval: Ask for a person.
        time_sensitive: Recorded; it changes no decision.
        reversible: Whether the effect can be undone.
        shadow_mode: A dry run: advisory, releases nothing.
        drift_baseline_data: The proposer's own baseline, 30 numbers or more; advisory.
        metadata: Anything else; recorded, never read.
        proposal_id: Recorded, never read.
        submitted_at: Recorded, never read.
    """

    proposal_summary: str
    estimated_impact: Impact | str = Impact.MEDIUM
    agent_id: str = "aegis-cli"
    session_id: str = field(default_factory=new_session_id)
    phase: PCWPhase | str = PCWPhase.PLAN
    risk_baseline: float = 0.0
    risk_proposed: float = 0.0
    profit_baseline: float = 0.0
    profit_proposed: float = 0.0
    novelty_score: float = 0.5
    complexity_score: float = 0.5
    quality_score: float = 0.7
    quality_subscores: Sequence[float] = _DEFAULT_SUBSCORES
    utility_result: UtilityResult | None = None
    requires_human_approval: bool = False
    time_sensitive: bool = False
    reversible: bool = True
    shadow_mode: bool = False
    drift_baseline_data: Sequence[float] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    proposal_id: str | None = None
    submitted_at: int | str | None = None

    def fault(self) -> InputFault | None:
        """Return the first fault, in the order of the wire record, or None."""
        texts = validate_texts(self.agent_id, self.session_id, self.phase, self.proposal_summary)
        return texts or validate_inputs(self.gate_inputs())

    def gate_inputs(self) -> GateInputs:
        """Return what evaluation reads; whole numbers become floats."""
        return GateInputs(
            _word(self.estimated_impact),
            _real(self.risk_baseline),
            _real(self.risk_proposed),
            _real(self.profit_baseline),
            _real(self.profit_proposed),
            _real(self.novelty_score),
            _real(self.complexity_score),
            _real(self.quality_score),
            _reals(self.quality_subscores),
            _estimate(self.utility_result),
            self.requires_human_approval,
            self.time_sensitive,
            self.reversible,
            self.shadow_mode,
            self.drift_baseline_data,
        )


def _word(impact: Impact | str) -> str:
    return impact.value if isinstance(impact, Impact) else impact


def _real(value: float) -> float:
    """A whole number as float; anything else unchanged, for validation to refuse."""
    if type(value) is not int:
        return value
    try:
        return float(value)
    except OverflowError:
        return value


def _reals(values: Sequence[float]) -> Sequence[float]:
    return tuple(map(_real, values)) if isinstance(values, (list, tuple)) else values


def _estimate(utility: UtilityResult | None) -> UtilityEstimate | None:
    """What the gate reads; something else than a result stays, for validation to refuse."""
    if isinstance(utility, UtilityResult):
        return UtilityEstimate(_real(utility.mean), _real(utility.variance))
    return utility
