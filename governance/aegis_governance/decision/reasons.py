"""The stable codes that decisions are recorded with; texts are derived from them when read."""

from __future__ import annotations

from typing import Final

ALL_GATES_PASSED: Final = "all_gates_passed"
DRIFT_WARNING: Final = "drift_warning"
HUMAN_REVIEW: Final = "human_review"
GATE_FAILED: Final = "gate_failed"
HIGH_IMPACT_GATE_FAILED: Final = "high_impact_gate_failed"
COMPLEXITY_FLOOR: Final = "complexity_floor"
DRIFT_CRITICAL: Final = "drift_critical"
EVALUATION_ERROR: Final = "evaluation_error"

RECORD_TOO_LARGE: Final = "record_too_large"
KEY_MISSING: Final = "key_missing"
CONTENT_TYPE_UNSUPPORTED: Final = "content_type_unsupported"
SCHEMA_UNKNOWN: Final = "schema_unknown"
UNDECODABLE: Final = "undecodable"
AGENT_MISMATCH: Final = "agent_mismatch"
PARTITION_MISMATCH: Final = "partition_mismatch"
FIELD_INVALID: Final = "field_invalid"
DUPLICATE_ID: Final = "duplicate_id"
HORIZON_FULL: Final = "horizon_full"
COMMAND_UNSUPPORTED: Final = "command_unsupported"

DECISION_REASONS: Final = (
    ALL_GATES_PASSED,
    DRIFT_WARNING,
    HUMAN_REVIEW,
    GATE_FAILED,
    HIGH_IMPACT_GATE_FAILED,
    COMPLEXITY_FLOOR,
    DRIFT_CRITICAL,
)
"""Reasons that the decision rule gives."""

REFUSAL_REASONS: Final = (
    RECORD_TOO_LARGE,
    KEY_MISSING,
    CONTENT_TYPE_UNSUPPORTED,
    SCHEMA_UNKNOWN,
    UNDECODABLE,
    AGENT_MISMATCH,
    PARTITION_MISMATCH,
    FIELD_INVALID,
    DUPLICATE_ID,
    HORIZON_FULL,
    EVALUATION_ERROR,
    COMMAND_UNSUPPORTED,
)
"""Reasons to refuse an input, in the order in which they are checked. Never overridable."""

REASONS: Final = (*DECISION_REASONS, *REFUSAL_REASONS)
"""Every reason code."""

RISK_CEILING: Final = "risk_ceiling"
PROFIT_FLOOR: Final = "profit_floor"
UTILITY_REQUIRED: Final = "utility_required"
ADVISORY_BASELINE: Final = "advisory_baseline"

CONSTRAINTS: Final = (
    DRIFT_WARNING,
    RISK_CEILING,
    PROFIT_FLOOR,
    UTILITY_REQUIRED,
    ADVISORY_BASELINE,
)
"""Every constraint code: what else a reader of the decision has to know.

``drift_warning``: the agent's recent behaviour has moved away from its baseline.
``risk_ceiling``, ``profit_floor``: that limit failed the gate; its numbers are in the gate result.
``utility_required``: utility was not evaluated although the impact asks for it.
``advisory_baseline``: the proposal brought a drift baseline of its own, which enforces nothing.
"""
