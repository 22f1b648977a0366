"""Gates by columns find what the evaluator finds, to the last bit."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_governance import numerics
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators import CURRENT, EVALUATORS, evaluator
from aegis_streams.decide.gates import LEAST_FOR_COLUMNS, GateStage, portable
from aegis_streams.decide.gates.columns import ColumnGates
from aegis_streams.decide.gates.found import found_by
from support.inputs import FAILING, SOUND, failing, gate_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aegis_governance.gates import GateInputs

FLOATS = st.floats() | st.floats(-30, 30) | st.floats(-800, 800)
AGENTS = ("plain", "risk", "both", "grouped")
BASELINES: dict[str, Any] = {
    "agent_baselines": {
        "risk": {"risk_baseline": 0.4},
        "both": {"risk_baseline": 0.0, "profit_baseline": -3.5},
    },
    "group_baselines": {"fleet": {"profit_baseline": 1e6}},
    "groups": {"grouped": "fleet"},
}
CONFIGS = [
    AegisConfig.default(),
    AegisConfig.from_dict(BASELINES),
    AegisConfig.from_dict({"predictive": True, "profit_floor": -10.0, "risk_ceiling": 0.5}),
    AegisConfig.from_dict({"novelty_direction": "at_most", "profit_direction": "rise"}),
]


def bits(values: Iterable[float]) -> list[bytes]:
    return [b"nan" if math.isnan(value) else struct.pack("<d", value) for value in values]


@settings(max_examples=300)
@given(st.lists(FLOATS, min_size=1, max_size=40))
@pytest.mark.parametrize("name", ["exp", "erfc", "phi"])
def test_portable_functions_of_arrays(name: str, values: list[float]) -> None:
    one = getattr(numerics, name)
    with np.errstate(all="ignore"):
        many = getattr(portable, name)(np.array(values))
    assert bits(many.tolist()) == bits(map(one, values))


@pytest.mark.parametrize("name", ["exp", "erfc", "phi"])
def test_portable_functions_at_their_edges(name: str) -> None:
    centres = [0.0, -0.0, 6.0, -6.0, 27.5, 26.6, 709.782712893384, -745.1332191019412, 1e308]
    values = [
        float(each)
        for c in centres
        for each in (c, np.nextafter(c, 1e309), np.nextafter(c, -1e309))
    ]
    test = [*values, float("inf"), float("-inf"), float("nan")]
    one = getattr(numerics, name)
    with np.errstate(all="ignore"):
        many = getattr(portable, name)(np.array(test))
    assert bits(many.tolist()) == bits(map(one, test))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(gate_inputs(), st.sampled_from(AGENTS)), min_size=1, max_size=12),
    st.sampled_from(CONFIGS),
)
def test_columns_agree_with_the_evaluator(
    cases: list[tuple[GateInputs, str]], config: AegisConfig
) -> None:
    reference = evaluator(1, config)
    inputs, agents = zip(*cases, strict=True)
    found = ColumnGates(config).evaluate(inputs, agents)
    for (each, agent), one in zip(cases, found, strict=True):
        assert one == found_by(reference.gates(each, agent))
        verdict = reference.evaluate(each, agent, None)
        assert (one.failing, one.confidence) == (verdict.failing, verdict.confidence)


@pytest.mark.parametrize("gate", FAILING)
def test_each_gate_fails_by_itself(gate: str) -> None:
    ((names, _, _),) = ColumnGates(AegisConfig.default()).evaluate([failing(gate)], ["agent"])
    assert names == (gate,)


def test_the_current_evaluator_is_evaluated_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(EVALUATORS[CURRENT], "gates")
    stage = GateStage(evaluator(CURRENT, AegisConfig.default()))
    found = stage.evaluate([SOUND] * LEAST_FOR_COLUMNS, ["agent"] * LEAST_FOR_COLUMNS)
    assert [one.failing for one in found if not isinstance(one, Exception)] == [()] * len(found)


def test_a_few_are_evaluated_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ColumnGates, "evaluate")
    stage = GateStage(evaluator(CURRENT, AegisConfig.default()))
    (found,) = stage.evaluate([SOUND], ["agent"])
    assert not isinstance(found, Exception)
    assert found.failing == ()


def test_a_fault_of_one_is_not_the_fault_of_all() -> None:
    broken = SOUND._replace(novelty_score="high")  # type: ignore[arg-type]  # what is refused before
    stage = GateStage(evaluator(CURRENT, AegisConfig.default()))
    cases = [SOUND, broken] + [SOUND] * LEAST_FOR_COLUMNS
    first, second, *others = stage.evaluate(cases, ["agent"] * len(cases))
    assert others == [first] * LEAST_FOR_COLUMNS
    assert isinstance(second, TypeError)


def test_nothing_to_judge() -> None:
    assert not GateStage(evaluator(CURRENT, AegisConfig.default())).evaluate([], [])
