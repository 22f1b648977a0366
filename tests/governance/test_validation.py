"""Validation: rejects what cannot be judged, names field and range, never raises."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance.gates import (
    GateInputs,
    UtilityEstimate,
    validate_inputs,
    validate_texts,
)
from aegis_governance.vocabulary import Impact, PCWPhase
from support.inputs import SOUND, gate_inputs, inputs

UNITS = ("risk_baseline", "risk_proposed", "novelty_score", "complexity_score", "quality_score")
REALS = ("profit_baseline", "profit_proposed")
FLAGS = ("requires_human_approval", "time_sensitive", "reversible")
NOT_NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, None, "0.5", True, [], 10**400, 1j]
WIRE_ORDER = (
    "estimated_impact",
    "risk_baseline",
    "risk_proposed",
    "profit_baseline",
    "profit_proposed",
    "novelty_score",
    "complexity_score",
    "quality_score",
    "quality_subscores",
    "utility_result.mean",
    "requires_human_approval",
    "time_sensitive",
    "reversible",
    "shadow_mode",
    "drift_baseline_data",
)


def fault_of(**changes: Any) -> tuple[str, str]:
    fault = validate_inputs(inputs(**changes))
    assert fault is not None
    return fault.field, fault.allowed


@given(gate_inputs())
def test_valid_inputs_have_no_fault(given_inputs: GateInputs) -> None:
    assert validate_inputs(given_inputs) is None


def test_whole_numbers_and_lists_are_fine() -> None:
    assert (
        validate_inputs(inputs(risk_baseline=0, profit_proposed=3, quality_subscores=[1])) is None
    )
    assert validate_inputs(inputs(impact=Impact.HIGH)) is None


@pytest.mark.parametrize("field", UNITS)
@pytest.mark.parametrize("value", [*NOT_NUMBERS, -5e-324, math.nextafter(1.0, 2.0), 2])
def test_units(field: str, value: object) -> None:
    assert fault_of(**{field: value}) == (field, "a finite number from 0 to 1")


@pytest.mark.parametrize("field", REALS)
@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_reals(field: str, value: object) -> None:
    assert fault_of(**{field: value}) == (field, "a finite number")


@pytest.mark.parametrize("field", FLAGS)
@pytest.mark.parametrize("value", [None, 0, 1, "true", []])
def test_flags(field: str, value: object) -> None:
    assert fault_of(**{field: value}) == (field, "true or false")
    assert fault_of(dry_run=value) == ("shadow_mode", "true or false")


@pytest.mark.parametrize("value", ["", "HIGH", "urgent", None, 3, [], {}])
def test_impact(value: object) -> None:
    assert fault_of(impact=value) == ("estimated_impact", "one of low, medium, high, critical")


@pytest.mark.parametrize(
    "value", [(), [], None, "0.7", 0.7, (0.7, math.nan), (1.1,), (True,), (0.5,) * 10_001]
)
def test_subscores(value: object) -> None:
    assert fault_of(quality_subscores=value)[0] == "quality_subscores"


@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_utility(value: Any) -> None:
    assert fault_of(utility=UtilityEstimate(value, 1.0))[0] == "utility_result.mean"
    assert fault_of(utility=UtilityEstimate(1.0, value))[0] == "utility_result.variance"


def test_utility_of_another_shape() -> None:
    assert fault_of(utility=UtilityEstimate(1.0, -5e-324))[0] == "utility_result.variance"
    assert fault_of(utility={"mean": 1.0})[0] == "utility_result.mean"


@pytest.mark.parametrize(
    "value", [(), (0.5,) * 29, (0.5,) * 29 + (math.nan,), "x" * 30, 5, (0.5,) * 10_001]
)
def test_drift_baseline(value: object) -> None:
    field, allowed = fault_of(drift_baseline_data=value)
    assert field == "drift_baseline_data"
    assert "30" in allowed


def test_the_first_fault_in_wire_order_is_named() -> None:
    nothing: list[Any] = [None] * len(SOUND)
    rotten = GateInputs(*nothing)._replace(
        utility=UtilityEstimate(math.nan, 1.0), drift_baseline_data=()
    )
    found = []
    while (fault := validate_inputs(rotten)) is not None:
        found.append(fault.field)
        at = WIRE_ORDER.index(fault.field)
        mended: list[Any] = [*SOUND[: at + 1], *rotten[at + 1 :]]
        rotten = GateInputs(*mended)
    assert tuple(found) == WIRE_ORDER


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.lists(anything, min_size=len(SOUND), max_size=len(SOUND)), st.integers(0, 14))
def test_it_never_raises(values: list[Any], at: int) -> None:
    validate_inputs(GateInputs(*values))
    mixed = [*SOUND[:at], values[at], *SOUND[at + 1 :]]
    fault = validate_inputs(GateInputs(*mixed))
    assert fault is None or fault.field.startswith(WIRE_ORDER[at].partition(".")[0])


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        (("a", "s", "plan", "do"), None),
        (("a", "s", PCWPhase.VERIFY, "do"), None),
        (("", "s", "plan", "do"), "agent_id"),
        ((None, "", "plan", "do"), "agent_id"),
        (("a", " ", "plan", ""), "session_id"),
        (("a", "s", "PLAN", ""), "phase"),
        (("a", "s", [], "do"), "phase"),
        (("a", "s", "plan", "\n"), "proposal_summary"),
        (("a", "s", "plan", 5), "proposal_summary"),
    ],
)
def test_texts(texts: tuple[object, object, object, object], field: str | None) -> None:
    fault = validate_texts(*texts)
    assert (fault and fault.field) == field
