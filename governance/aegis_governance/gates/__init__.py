"""The six gates, what they read and what they return."""

from __future__ import annotations

from aegis_governance.gates.complexity import complexity_gate
from aegis_governance.gates.inputs import GateInputs, InputFault, UtilityEstimate
from aegis_governance.gates.novelty import novelty_gate
from aegis_governance.gates.profit import profit_gate
from aegis_governance.gates.quality import quality_gate
from aegis_governance.gates.result import NOT_EVALUATED, GateResult
from aegis_governance.gates.risk import risk_gate
from aegis_governance.gates.utility import utility_gate
from aegis_governance.gates.validation import validate_inputs, validate_texts
from aegis_governance.vocabulary import GateOutcome

__all__ = [
    "NOT_EVALUATED",
    "GateInputs",
    "GateOutcome",
    "GateResult",
    "InputFault",
    "UtilityEstimate",
    "complexity_gate",
    "novelty_gate",
    "profit_gate",
    "quality_gate",
    "risk_gate",
    "utility_gate",
    "validate_inputs",
    "validate_texts",
]
