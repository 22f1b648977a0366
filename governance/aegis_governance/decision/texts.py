"""The words for each code. Only ``explain`` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_governance.decision import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

RATIONALES: Final[Mapping[str, str]] = {
    reasons.ALL_GATES_PASSED: "All {passed} evaluated gates passed",
    reasons.DRIFT_WARNING: "All {passed} evaluated gates passed, but the agent's behaviour drifts",
    reasons.HUMAN_REVIEW: "No gate failed, but a person has to review this proposal",
    reasons.GATE_FAILED: "Failing gates: {failing}",
    reasons.HIGH_IMPACT_GATE_FAILED: "High impact proposal with failing gates: {failing}",
    reasons.COMPLEXITY_FLOOR: "Complexity is below its hard floor; failing gates: {failing}",
    reasons.DRIFT_CRITICAL: "The agent's behaviour is critically far from its approved baseline",
    reasons.EVALUATION_ERROR: "Evaluation failed, and what could not be judged does not proceed",
    reasons.RECORD_TOO_LARGE: "The record is larger than a proposal may be",
    reasons.KEY_MISSING: "The record has no key",
    reasons.CONTENT_TYPE_UNSUPPORTED: "The record's content type is not supported",
    reasons.SCHEMA_UNKNOWN: "The record names a schema that the registry does not know",
    reasons.UNDECODABLE: "The record cannot be decoded",
    reasons.AGENT_MISMATCH: "The record's key is not its agent_id",
    reasons.PARTITION_MISMATCH: "The record is not on the partition that its key belongs to",
    reasons.FIELD_INVALID: "A field of the proposal is missing or out of its range",
    reasons.DUPLICATE_ID: "The agent used this proposal id before, with other content",
    reasons.HORIZON_FULL: "No more proposal ids can be remembered at present",
    reasons.COMMAND_UNSUPPORTED: "This kind of command is not supported",
}
"""Why a decision is what it is, by reason code."""

NEXT_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    reasons.ALL_GATES_PASSED: ("Go on with the proposal",),
    reasons.DRIFT_WARNING: ("Go on with the proposal", "Have the agent's drift looked into"),
    reasons.HUMAN_REVIEW: ("Wait for a reviewer's decision",),
    reasons.GATE_FAILED: (
        "Improve what the failing gates measure and submit a new proposal",
        "Or ask for a two-key override",
    ),
    reasons.HIGH_IMPACT_GATE_FAILED: (
        "Escalate to the Risk Lead",
        "Prepare a justification for a two-key override",
    ),
    reasons.COMPLEXITY_FLOOR: ("Redesign the proposal; this gate cannot be overridden",),
    reasons.DRIFT_CRITICAL: (
        "Look into the agent's recent proposals",
        "Recalibrate its baseline if the new behaviour is wanted",
    ),
    reasons.EVALUATION_ERROR: ("Report the error to the operators of this deployment",),
    reasons.RECORD_TOO_LARGE: ("Shorten the proposal",),
    reasons.KEY_MISSING: ("Use the agent_id as the record's key",),
    reasons.CONTENT_TYPE_UNSUPPORTED: ("Send Avro in the Confluent wire format, or JSON",),
    reasons.SCHEMA_UNKNOWN: ("Register the schema first",),
    reasons.UNDECODABLE: ("Encode the proposal as its schema says",),
    reasons.AGENT_MISMATCH: ("Use the agent_id as the record's key",),
    reasons.PARTITION_MISMATCH: ("Use the partitioner murmur2_random, the Java default",),
    reasons.FIELD_INVALID: ("Correct the field and submit again under a new proposal id",),
    reasons.DUPLICATE_ID: ("Give every proposal an id of its own",),
    reasons.HORIZON_FULL: ("Submit again later under a new proposal id",),
    reasons.COMMAND_UNSUPPORTED: ("Use a kind of command that this release supports",),
}
"""What to do now, by reason code."""

CONSTRAINTS: Final[Mapping[str, str]] = {
    reasons.DRIFT_WARNING: "The agent's recent proposals have moved away from its baseline",
    reasons.RISK_CEILING: "The proposed risk is above the ceiling, whatever the baseline",
    reasons.PROFIT_FLOOR: "The proposed profit is below the floor, whatever the baseline",
    reasons.UTILITY_REQUIRED: "Utility was not evaluated, which this impact requires",
    reasons.ADVISORY_BASELINE: "The proposal's own drift baseline is advisory and enforces nothing",
}
"""What else the reader has to know, by constraint code."""

OVERRIDE_REQUIRES: Final = ("risk_lead", "security_lead")
"""The roles whose two signatures an override needs."""
