from __future__ import annotations

from typing import Any

import pytest

from aegis_codecs.records import schemas
from aegis_codecs.records.validation import (
    LAST_MILLISECOND,
    gate_inputs,
    is_identifier,
    validate_record,
)
from support.avro_records import proposal

NAN, INF = float("nan"), float("inf")
UTILITY: dict[str, Any] = proposal()["utility_result"]

GOOD: list[dict[str, Any]] = [
    {},
    {"proposal_id": "x" * 128, "agent_id": "ä", "session_id": "s" * 128},
    {"session_id": ""},
    {"submitted_at": 0},
    {"submitted_at": LAST_MILLISECOND},
    {"proposal_summary": "line\nline" + "x" * 4087},
    {"utility_result": None},
    {"metadata": {}},
    {"metadata": {f"{i:0128}": "v" * 2048 for i in range(64)}},
    {"drift_baseline_data": [0.5] * 30},
    {"profit_baseline": -1e308},
    {"proposal_id": "日本\u00ad\u2028"},
]


@pytest.mark.parametrize("changes", GOOD)
def test_within_bounds(changes: dict[str, Any]) -> None:
    assert validate_record(proposal(**changes)) is None


BAD: list[tuple[str, Any]] = [
    ("proposal_id", ""),
    ("proposal_id", "x" * 129),
    ("proposal_id", "a\nb"),
    ("proposal_id", "a\x7f"),
    ("proposal_id", "a\x85"),
    ("proposal_id", "\0"),
    ("submitted_at", -1),
    ("submitted_at", LAST_MILLISECOND + 1),
    ("submitted_at", 1.5),
    ("agent_id", ""),
    ("agent_id", "x" * 129),
    ("agent_id", "\t"),
    ("session_id", "x" * 129),
    ("session_id", "\r"),
    ("session_id", None),
    ("phase", "rest"),
    ("proposal_summary", ""),
    ("proposal_summary", " \n"),
    ("proposal_summary", "x" * 4097),
    ("estimated_impact", "none"),
    ("risk_baseline", -0.1),
    ("risk_baseline", NAN),
    ("risk_proposed", 1.1),
    ("profit_baseline", INF),
    ("profit_proposed", -INF),
    ("novelty_score", 2.0),
    ("complexity_score", -1.0),
    ("quality_score", NAN),
    ("quality_subscores", []),
    ("quality_subscores", [0.5, 1.5]),
    ("utility_result.mean", {**UTILITY, "mean": NAN}),
    ("utility_result.variance", {**UTILITY, "variance": -1.0}),
    ("utility_result.lcb", {**UTILITY, "lcb": INF}),
    ("utility_result.z_score", {**UTILITY, "z_score": NAN}),
    ("utility_result.components", {**UTILITY, "components": {"a": 1.0, "b": NAN}}),
    ("reversible", 1),
    ("drift_baseline_data", [0.5] * 29),
    ("drift_baseline_data", [0.5] * 30 + [NAN]),
    ("metadata", {str(i): "" for i in range(65)}),
    ("metadata", {"k" * 129: ""}),
    ("metadata", {"k": "v" * 2049}),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_out_of_bounds(field: str, value: object) -> None:
    fault = validate_record(proposal(**{field.partition(".")[0]: value}))
    assert fault is not None
    assert fault.field == field
    assert fault.allowed


ORDER = [field.name for field in schemas.tree("ProposalSubmitted").fields]
FIRST_FAULT = {field.partition(".")[0]: value for field, value in reversed(BAD)}


@pytest.mark.parametrize("index", range(len(ORDER)))
def test_the_first_fault_in_schema_order_is_found(index: int) -> None:
    wrong = {name: FIRST_FAULT[name] for name in ORDER[index:] if name in FIRST_FAULT}
    fault = validate_record(proposal(**wrong))
    assert fault is not None
    assert fault.field.partition(".")[0] == next(iter(wrong))


@pytest.mark.parametrize(
    ("utility", "field"),
    [
        ({"mean": NAN, "variance": -1.0, "lcb": NAN}, "utility_result.mean"),
        ({"variance": -1.0, "lcb": NAN}, "utility_result.variance"),
        ({"lcb": NAN, "z_score": NAN}, "utility_result.lcb"),
        ({"z_score": NAN, "components": {"a": INF}}, "utility_result.z_score"),
    ],
)
def test_the_first_fault_inside_a_utility(utility: dict[str, Any], field: str) -> None:
    fault = validate_record(proposal(utility_result={**UTILITY, **utility}, reversible=7))
    assert fault is not None
    assert fault.field == field


def test_gate_inputs_are_what_the_proposal_says() -> None:
    record = proposal(drift_baseline_data=[0.5] * 30, shadow_mode=True)
    inputs = gate_inputs(record)
    assert inputs.impact == record["estimated_impact"]
    assert inputs.dry_run is True
    assert inputs.utility == (1.0, 0.25)
    assert gate_inputs(proposal(utility_result=None)).utility is None
    for name in set(inputs._fields) - {"impact", "dry_run", "utility"}:
        assert getattr(inputs, name) == record[name]


@pytest.mark.parametrize("value", [None, 5, b"bytes"])
def test_only_text_is_an_identifier(value: object) -> None:
    assert not is_identifier(value)
