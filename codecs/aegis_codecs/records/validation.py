"""The bounds of a decoded proposal, checked in the order of its schema.

What the gates read is bounded by ``aegis_governance.gates.validate_inputs``; everything else here.
Checks and words are the same in every Python version, because they end up in leaf bodies.
"""

from __future__ import annotations

import re
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_governance.gates import GateInputs, UtilityEstimate, validate_inputs
from aegis_governance.vocabulary import PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ID: Final = 128
MAX_SUMMARY: Final = 4096
MAX_METADATA: Final = 64
MAX_METADATA_KEY: Final = 128
MAX_METADATA_VALUE: Final = 2048
LAST_MILLISECOND: Final = 253_402_300_799_999
"""The end of the year 9999."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_ID: Final = f"1 to {MAX_ID} characters, none of them a control character"
_SESSION: Final = f"at most {MAX_ID} characters, none of them a control character"
_TIME: Final = "milliseconds since 1970-01-01T00:00:00Z, up to the year 9999"
_PHASE: Final = "one of " + ", ".join(PHASES)
_SUMMARY: Final = f"1 to {MAX_SUMMARY} characters, not only spaces"
_NUMBER: Final = "a finite number"
_ENTRIES: Final = f"at most {MAX_METADATA} entries"
_KEY: Final = f"keys of at most {MAX_METADATA_KEY} characters"
_VALUE: Final = f"texts of at most {MAX_METADATA_VALUE} characters"

_UTILITY_INDEX: Final = GateInputs._fields.index("utility")
_GATE_FIELDS: Final = itemgetter(
    *(
        {"impact": "estimated_impact", "utility": "utility_result", "dry_run": "shadow_mode"}.get(
            name, name
        )
        for name in GateInputs._fields
    )
)
_TEXT_FIELDS: Final = itemgetter(
    "proposal_id", "submitted_at", "agent_id", "session_id", "phase", "proposal_summary"
)
_AFTER_UTILITY: Final = frozenset(
    {
        "requires_human_approval",
        "time_sensitive",
        "reversible",
        "shadow_mode",
        "drift_baseline_data",
    }
)


class RecordFault(NamedTuple):
    """The first field that is out of bounds."""

    field: str
    value: object
    allowed: str


def gate_inputs(record: Mapping[str, Any]) -> GateInputs:
    """What the gates read of a decoded proposal."""
    values = _GATE_FIELDS(record)
    utility = values[_UTILITY_INDEX]
    if utility is not None:
        utility = UtilityEstimate(utility["mean"], utility["variance"])
    return GateInputs._make((*values[:_UTILITY_INDEX], utility, *values[_UTILITY_INDEX + 1 :]))


def validate_record(record: Mapping[str, Any]) -> RecordFault | None:
    """The first field, in schema order, that is out of bounds; None if all are within.

    Args:
        record: A proposal with all its fields, as a decoder returns it.
    """
    return validate_beside(record, gate_inputs(record))


def validate_beside(record: Mapping[str, Any], inputs: GateInputs) -> RecordFault | None:
    """As ``validate_record``, for a caller who has the record's gate inputs already."""
    if _has_usual_texts(record):
        return _numbers(record, inputs) or _metadata(record["metadata"])
    return (
        _identity(record)
        or _texts(record)
        or _numbers(record, inputs)
        or _metadata(record["metadata"])
    )


def is_identifier(text: object) -> bool:
    """Whether this can be the id of a proposal or an agent."""
    return isinstance(text, str) and 0 < len(text) <= MAX_ID and not _has_control(text)


def _has_control(text: str) -> bool:
    """Whether a control character (C0, DEL or C1) is in a text; printable text has none."""
    return not text.isprintable() and _CONTROL.search(text) is not None


def _has_usual_texts(record: Mapping[str, Any]) -> bool:
    """Whether what comes before the numbers is sound, by one chain of comparisons.

    It is the answer for almost every proposal; the others are looked at field by field.
    """
    proposal_id, time, agent_id, session, phase, summary = _TEXT_FIELDS(record)
    return bool(
        str is type(proposal_id) is type(agent_id) is type(session) is type(summary)
        and 0 < len(proposal_id) <= MAX_ID
        and proposal_id.isprintable()
        and _is_time(time)
        and 0 < len(agent_id) <= MAX_ID
        and agent_id.isprintable()
        and len(session) <= MAX_ID
        and session.isprintable()
        and phase in PHASES
        and len(summary) <= MAX_SUMMARY
        and summary.strip()
    )


def _identity(record: Mapping[str, Any]) -> RecordFault | None:
    if not is_identifier(record["proposal_id"]):
        return RecordFault("proposal_id", record["proposal_id"], _ID)
    if not _is_time(record["submitted_at"]):
        return RecordFault("submitted_at", record["submitted_at"], _TIME)
    if not is_identifier(record["agent_id"]):
        return RecordFault("agent_id", record["agent_id"], _ID)
    return None


def _texts(record: Mapping[str, Any]) -> RecordFault | None:
    session, summary = record["session_id"], record["proposal_summary"]
    if session != "" and not is_identifier(session):
        return RecordFault("session_id", session, _SESSION)
    if record["phase"] not in PHASES:
        return RecordFault("phase", record["phase"], _PHASE)
    if not (isinstance(summary, str) and len(summary) <= MAX_SUMMARY and summary.strip()):
        return RecordFault("proposal_summary", summary, _SUMMARY)
    return None


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value <= LAST_MILLISECOND


def _numbers(record: Mapping[str, Any], inputs: GateInputs) -> RecordFault | None:
    fault = validate_inputs(inputs)
    utility = record["utility_result"]
    beside = None if utility is None else _beside_utility(utility)
    if beside is not None and (fault is None or fault.field in _AFTER_UTILITY):
        return beside
    return None if fault is None else RecordFault(*fault)


def _beside_utility(utility: Mapping[str, Any]) -> RecordFault | None:
    """What a utility holds that no gate reads: it is recorded, so it must be finite too."""
    for name in ("lcb", "z_score"):
        if utility[name] is not None and not isfinite(utility[name]):
            return RecordFault(f"utility_result.{name}", utility[name], _NUMBER)
    for value in utility["components"].values():
        if not isfinite(value):
            return RecordFault("utility_result.components", value, _NUMBER)
    return None


def _metadata(metadata: Mapping[str, str]) -> RecordFault | None:
    if len(metadata) > MAX_METADATA:
        return RecordFault("metadata", len(metadata), _ENTRIES)
    for key, value in metadata.items():
        if len(key) > MAX_METADATA_KEY:
            return RecordFault("metadata", key, _KEY)
        if len(value) > MAX_METADATA_VALUE:
            return RecordFault("metadata", value, _VALUE)
    return None
