"""Gate inputs for tests: one sound proposal, and strategies for any valid one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from aegis_governance.gates import GateInputs, UtilityEstimate
from aegis_governance.vocabulary import IMPACTS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SOUND = GateInputs(
    impact="medium",
    risk_baseline=0.2,
    risk_proposed=0.25,
    profit_baseline=100.0,
    profit_proposed=110.0,
    novelty_score=0.8,
    complexity_score=0.7,
    quality_score=0.8,
    quality_subscores=(0.7, 0.8, 0.9),
    utility=None,
    requires_human_approval=False,
    time_sensitive=False,
    reversible=True,
    dry_run=False,
    drift_baseline_data=None,
)
"""A proposal that proceeds under the default parameters."""

FAILING: dict[str, dict[str, Any]] = {
    "risk": {"risk_proposed": 0.95},
    "profit": {"profit_proposed": -1000.0},
    "novelty": {"novelty_score": 0.1},
    "complexity": {"complexity_score": 0.1},
    "quality": {"quality_score": 0.1},
    "utility": {"utility": UtilityEstimate(-1.0, 1.0)},
}
"""Changes to ``SOUND`` that fail exactly the gate named."""


def inputs(**changes: Any) -> GateInputs:
    """Return ``SOUND`` with some fields changed."""
    return SOUND._replace(**changes)


def failing(*gates: str, **changes: Any) -> GateInputs:
    """Return ``SOUND`` changed so that exactly the named gates fail."""
    for gate in gates:
        changes.update(FAILING[gate])
    return inputs(**changes)


def units() -> SearchStrategy[float]:
    """Any number from 0 to 1."""
    return st.floats(0.0, 1.0)


def profits() -> SearchStrategy[float]:
    """Any finite number, small ones more often."""
    return st.floats(-1e3, 1e3) | st.floats(allow_nan=False, allow_infinity=False)


def estimates() -> SearchStrategy[UtilityEstimate]:
    """Any mean and variance."""
    variances = st.floats(0.0, 1e3) | st.floats(0.0, allow_nan=False, allow_infinity=False)
    return st.builds(UtilityEstimate, profits(), variances)


def gate_inputs() -> SearchStrategy[GateInputs]:
    """Any valid gate inputs."""
    return st.builds(
        GateInputs,
        impact=st.sampled_from(IMPACTS),
        risk_baseline=units(),
        risk_proposed=units(),
        profit_baseline=profits(),
        profit_proposed=profits(),
        novelty_score=units(),
        complexity_score=units(),
        quality_score=units(),
        quality_subscores=st.lists(units(), min_size=1, max_size=5).map(tuple),
        utility=st.none() | estimates(),
        requires_human_approval=st.booleans(),
        time_sensitive=st.booleans(),
        reversible=st.booleans(),
        dry_run=st.booleans(),
        drift_baseline_data=st.none() | st.just((0.5,) * 30),
    )
