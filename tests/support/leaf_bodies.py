"""Leaf bodies for tests, encoded as the log has them."""

from __future__ import annotations

from typing import Any

from aegis_codecs.records import bodies

GATES = ("risk", "profit", "novelty", "complexity", "quality", "utility")
LEAF_TIME = 1_767_225_600_000
VALID_UNTIL = LEAF_TIME + 86_400_000


def decision_body(**changes: object) -> bytes:
    """Return the body of a PROCEED with other values in the fields that are named."""
    fields: dict[str, Any] = {
        "cause_topic": "aegis.proposals",
        "cause_partition": 0,
        "cause_offset": 7,
        "cause_timestamp": LEAF_TIME,
        "cause_sha256": bytes(32),
        "ordinal": 0,
        "leaf_time": LEAF_TIME,
        "decision_id": "d-1",
        "proposal_id": "p-1",
        "agent_id": "release-bot",
        "session_id": "s-1",
        "phase": "plan",
        "impact": "low",
        "content_sha256": bytes(32),
        "status": "proceed",
        "reason": "all_gates_passed",
        "detail": "",
        "confidence": 1.0,
        "drift_status": "insufficient_data",
        "drift_risk": None,
        "drift_profit": None,
        "constraints": [],
        "override_eligible": False,
        "dry_run": False,
        "mode": "enforce",
        "parameters_sha256": bytes(32),
        "evaluator": 1,
        "valid_until": VALID_UNTIL,
        "supersedes": None,
    }
    for gate in GATES:
        fields |= {f"{gate}_outcome": "passed"}
        fields |= {f"{gate}_{number}": 1.0 for number in ("value", "threshold", "confidence")}
    return bodies.encode("DecisionMade", fields | changes)
