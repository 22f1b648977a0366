"""Everything that evaluation reads of a proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class UtilityEstimate(NamedTuple):
    """The distribution of a proposal's utility, as far as evaluation reads it.

    Attributes:
        mean: Expected utility; any finite number.
        variance: Its variance, at least 0.
    """

    mean: float
    variance: float


class GateInputs(NamedTuple):
    """The gate inputs of a proposal, in the order of the wire record.

    Attributes:
        impact: ``low``, ``medium``, ``high`` or ``critical``.
        risk_baseline: Risk without the proposal, 0..1.
        risk_proposed: Risk with it, 0..1.
        profit_baseline: Profit without the proposal; any finite number.
        profit_proposed: Profit with it; any finite number.
        novelty_score: 0..1.
        complexity_score: 0..1; higher is simpler.
        quality_score: 0..1.
        quality_subscores: One or more numbers 0..1.
        utility: Mean and variance, or None when no utility was estimated.
        requires_human_approval: The proposer asks for a person.
        time_sensitive: Recorded; it changes no decision.
        reversible: Whether the effect can be undone.
        dry_run: The proposal's own ``shadow_mode``: judged, marked, never releasable.
        drift_baseline_data: The proposer's own baseline, at least 30 numbers; advisory only.
    """

    impact: str
    risk_baseline: float
    risk_proposed: float
    profit_baseline: float
    profit_proposed: float
    novelty_score: float
    complexity_score: float
    quality_score: float
    quality_subscores: Sequence[float]
    utility: UtilityEstimate | None
    requires_human_approval: bool
    time_sensitive: bool
    reversible: bool
    dry_run: bool
    drift_baseline_data: Sequence[float] | None


class InputFault(NamedTuple):
    """The first thing wrong with a proposal.

    Attributes:
        field: The field's name in the wire record.
        value: What it holds.
        allowed: What it accepts, as text.
    """

    field: str
    value: object
    allowed: str
