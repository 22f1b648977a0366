"""Checking a proposal's fields, in the order of the wire record: reject, never clamp.

The usual, faultless proposal is recognised by one chain of comparisons; only when that chain does
not hold are the fields looked at one by one, to name the first fault.
"""

from __future__ import annotations

import sys
from math import inf
from typing import Any, Final

from aegis_governance.gates.inputs import GateInputs, InputFault
from aegis_governance.vocabulary import IMPACTS, PHASES

MINIMUM_DRIFT_BASELINE: Final = 30
"""Fewest numbers in a proposer's own drift baseline."""
MAXIMUM_NUMBERS: Final = 10_000
"""Most numbers in a list that a proposal carries."""

_UNIT: Final = "a finite number from 0 to 1"
_FINITE: Final = "a finite number"
_IMPACT: Final = "one of " + ", ".join(IMPACTS)
_PHASE: Final = "one of " + ", ".join(PHASES)
_FLAG: Final = "true or false"
_TEXT: Final = "a text that is not empty"
_SUBSCORES: Final = f"a list of 1 to {MAXIMUM_NUMBERS} finite numbers from 0 to 1"
_BASELINE: Final = f"a list of {MINIMUM_DRIFT_BASELINE} to {MAXIMUM_NUMBERS} finite numbers"
_VARIANCE: Final = "a finite number of at least 0"
_IMPACT_SET: Final = frozenset(IMPACTS)
_LARGEST: Final = sys.float_info.max


def validate_texts(
    agent_id: object, session_id: object, phase: object, proposal_summary: object
) -> InputFault | None:
    """Return the first fault among the descriptive fields, which precede the gate inputs."""
    if not _is_text(agent_id):
        return InputFault("agent_id", agent_id, _TEXT)
    if not _is_text(session_id):
        return InputFault("session_id", session_id, _TEXT)
    if phase not in PHASES:
        return InputFault("phase", phase, _PHASE)
    if not _is_text(proposal_summary):
        return InputFault("proposal_summary", proposal_summary, _TEXT)
    return None


def validate_inputs(inputs: GateInputs) -> InputFault | None:
    """Return the first fault among the gate inputs, or None.

    Never raises, whatever the fields hold. NaN and infinities are faults; so are booleans where a
    number belongs.
    """
    held: tuple[Any, ...] = inputs
    impact, risk, risk_new, profit, profit_new, novelty, complexity, quality = held[:8]
    subscores, utility, approval, urgent, reversible, dry_run, baseline = held[8:]
    if (
        float is type(risk) is type(risk_new) is type(profit) is type(profit_new)
        and float is type(novelty) is type(complexity) is type(quality)
        and 0.0 <= risk <= 1.0
        and 0.0 <= risk_new <= 1.0
        and -inf < profit < inf
        and -inf < profit_new < inf
        and 0.0 <= novelty <= 1.0
        and 0.0 <= complexity <= 1.0
        and 0.0 <= quality <= 1.0
        and bool is type(approval) is type(urgent) is type(reversible) is type(dry_run)
        and type(impact) is str
        and impact in _IMPACT_SET
        and _are_units(subscores)
        and (utility is None or _is_estimate(utility))
        and baseline is None
    ):
        return None
    return _first_fault(inputs)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return low <= value <= high and -inf < value < inf


def _is_unit(value: object) -> bool:
    return _is_number(value, 0.0, 1.0)


def _is_finite(value: object) -> bool:
    return _is_number(value, -_LARGEST, _LARGEST)


def _is_impact(value: object) -> bool:
    return isinstance(value, str) and value in _IMPACT_SET


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_units(values: object) -> bool:
    if not isinstance(values, (list, tuple)) or not 0 < len(values) <= MAXIMUM_NUMBERS:
        return False
    for value in values:
        # The common case costs one comparison; anything else is looked at properly.
        if not (type(value) is float and 0.0 <= value <= 1.0) and not _is_unit(value):
            return False
    return True


def _is_estimate(utility: object) -> bool:
    return _utility_fault(utility) is None


def _utility_fault(utility: object) -> InputFault | None:
    mean = getattr(utility, "mean", None)
    if not _is_finite(mean):
        return InputFault("utility_result.mean", mean, _FINITE)
    variance = getattr(utility, "variance", None)
    if not _is_number(variance, 0.0, _LARGEST):
        return InputFault("utility_result.variance", variance, _VARIANCE)
    return None


def _is_baseline(values: object) -> bool:
    if values is None:
        return True
    if not isinstance(values, (list, tuple)):
        return False
    enough = MINIMUM_DRIFT_BASELINE <= len(values) <= MAXIMUM_NUMBERS
    return enough and all(_is_finite(value) for value in values)


_NUMBERS: Final = (
    ("estimated_impact", _is_impact, _IMPACT),
    ("risk_baseline", _is_unit, _UNIT),
    ("risk_proposed", _is_unit, _UNIT),
    ("profit_baseline", _is_finite, _FINITE),
    ("profit_proposed", _is_finite, _FINITE),
    ("novelty_score", _is_unit, _UNIT),
    ("complexity_score", _is_unit, _UNIT),
    ("quality_score", _is_unit, _UNIT),
    ("quality_subscores", _are_units, _SUBSCORES),
)
_AFTER_UTILITY: Final = (
    ("requires_human_approval", _is_flag, _FLAG),
    ("time_sensitive", _is_flag, _FLAG),
    ("reversible", _is_flag, _FLAG),
    ("shadow_mode", _is_flag, _FLAG),
    ("drift_baseline_data", _is_baseline, _BASELINE),
)


def _first_fault(inputs: GateInputs) -> InputFault | None:
    for (name, good, allowed), value in zip(_NUMBERS, inputs[:9]):
        if not good(value):
            return InputFault(name, value, allowed)
    fault = None if inputs.utility is None else _utility_fault(inputs.utility)
    if fault is not None:
        return fault
    for (name, good, allowed), value in zip(_AFTER_UTILITY, inputs[10:]):
        if not good(value):
            return InputFault(name, value, allowed)
    return None
