"""Evaluator version 1: pure, fails closed, and bit for bit what it always was."""

from __future__ import annotations

import math
import struct
from hashlib import sha256
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance import AegisConfig
from aegis_governance.decision import Verdict, reasons
from aegis_governance.drift import DriftObservation
from aegis_governance.errors import UnknownEvaluatorError
from aegis_governance.evaluators import CURRENT, EVALUATORS, evaluator
from aegis_governance.gates import GateInputs, UtilityEstimate
from aegis_governance.vocabulary import GATES, IMPACTS, DriftStatus, GateOutcome, PCWStatus
from support.inputs import FAILING, SOUND, failing, gate_inputs, inputs, units

if TYPE_CHECKING:
    from collections.abc import Iterator

EVALUATE = AegisConfig.default().create_gate_evaluator().evaluate
STATUS_ORDER = (PCWStatus.PROCEED, PCWStatus.PAUSE, PCWStatus.ESCALATE, PCWStatus.HALT)


def drift(status: DriftStatus) -> DriftObservation:
    return DriftObservation(status, (None, None), ())


def judge(changed: GateInputs = SOUND, **parameters: Any) -> Verdict:
    config = AegisConfig.from_dict(parameters)
    return config.create_gate_evaluator().evaluate(changed, "agent", None)


@pytest.mark.parametrize("count", range(1, len(GATES) + 1))
def test_exactly_the_failing_gates_are_named(count: int) -> None:
    for gates in combinations(GATES, count):
        verdict = EVALUATE(failing(*gates), "agent", None)
        assert verdict.failing == gates
        assert verdict.status is PCWStatus.HALT
        assert verdict.override_eligible is ("complexity" not in gates)


@pytest.mark.parametrize("impact", IMPACTS)
@pytest.mark.parametrize("gate", FAILING)
def test_a_failing_gate_by_impact(gate: str, impact: str) -> None:
    utility = UtilityEstimate(5.0, 1.0)
    verdict = EVALUATE(failing(gate, utility=utility, impact=impact), "agent", None)
    if gate == "complexity":
        assert verdict.reason == "complexity_floor"
    elif impact in ("high", "critical"):
        assert (verdict.status, verdict.reason) == (PCWStatus.ESCALATE, "high_impact_gate_failed")
    else:
        assert (verdict.status, verdict.reason) == (PCWStatus.HALT, "gate_failed")


@given(
    gate_inputs(),
    st.none() | st.sampled_from(DriftStatus).map(drift),
    st.sampled_from(["enforce", "shadow"]),
    st.sampled_from([*IMPACTS, "never"]),
)
def test_nothing_proceeds_with_a_failed_gate_or_a_missing_utility(
    given_inputs: GateInputs, observed: DriftObservation | None, mode: str, required: str
) -> None:
    config = AegisConfig(mode=mode, utility_required_from=required)
    verdict = config.create_gate_evaluator().evaluate(given_inputs, "agent", observed)
    outcomes = [gate.outcome for gate in verdict.gates]
    failed = tuple(
        name for name, outcome in zip(GATES, outcomes, strict=True) if outcome == "failed"
    )
    assert verdict.failing == failed
    if verdict.status is PCWStatus.PROCEED:
        assert not failed
        assert outcomes[:5] == [GateOutcome.PASSED] * 5
        needed = required != "never" and IMPACTS.index(given_inputs.impact) >= IMPACTS.index(
            required
        )
        assert outcomes[5] == "passed" or not needed
        assert mode == "shadow" or observed is None or observed.status != "critical"
    if failed:
        assert verdict.status in (PCWStatus.HALT, PCWStatus.ESCALATE)
    assert verdict.reason in reasons.DECISION_REASONS
    assert set(verdict.constraints) <= set(reasons.CONSTRAINTS)
    assert 0.0 <= verdict.confidence <= 1.0


@given(gate_inputs(), units())
def test_more_risk_never_releases(given_inputs: GateInputs, other: float) -> None:
    low, high = sorted((given_inputs.risk_proposed, other))
    before = EVALUATE(given_inputs._replace(risk_proposed=low), "agent", None)
    after = EVALUATE(given_inputs._replace(risk_proposed=high), "agent", None)
    assert STATUS_ORDER.index(after.status) >= STATUS_ORDER.index(before.status)


@given(gate_inputs())
def test_it_is_a_function_of_its_arguments(given_inputs: GateInputs) -> None:
    again = AegisConfig.from_bytes(AegisConfig.default().to_bytes()).create_gate_evaluator()
    assert EVALUATE(given_inputs, "agent", None) == again.evaluate(given_inputs, "agent", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"risk_baseline": math.nan},
        {"risk_proposed": math.nan},
        {"profit_baseline": math.nan},
        {"profit_proposed": math.nan},
        {"novelty_score": math.nan},
        {"complexity_score": math.nan},
        {"quality_score": math.nan},
        {"utility": UtilityEstimate(math.nan, 1.0)},
        {"utility": UtilityEstimate(1.0, math.nan)},
    ],
)
def test_even_unchecked_inputs_do_not_proceed(changes: dict[str, Any]) -> None:
    assert EVALUATE(inputs(**changes), "agent", None).status is not PCWStatus.PROCEED


class TestPeople:
    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({}, PCWStatus.PROCEED),
            ({"requires_human_approval": True}, PCWStatus.PAUSE),
            ({"reversible": False}, PCWStatus.PROCEED),
            ({"time_sensitive": True}, PCWStatus.PROCEED),
            ({"impact": "high", "utility": UtilityEstimate(5.0, 1.0)}, PCWStatus.PROCEED),
            (
                {"impact": "high", "utility": UtilityEstimate(5.0, 1.0), "reversible": False},
                PCWStatus.PAUSE,
            ),
            ({"impact": "critical", "utility": UtilityEstimate(5.0, 1.0)}, PCWStatus.PAUSE),
        ],
    )
    def test_who_has_to_look(self, changes: dict[str, Any], status: PCWStatus) -> None:
        assert EVALUATE(inputs(**changes), "agent", None).status is status


class TestUtilityRequired:
    @pytest.mark.parametrize("required", [*IMPACTS, "never"])
    @pytest.mark.parametrize("impact", ["low", "medium", "high"])
    def test_missing_utility_pauses_where_it_is_required(self, required: str, impact: str) -> None:
        needed = required != "never" and IMPACTS.index(impact) >= IMPACTS.index(required)
        verdict = judge(inputs(impact=impact), utility_required_from=required)
        assert verdict.gates[5].outcome == "not_evaluated"
        assert verdict.status is (PCWStatus.PAUSE if needed else PCWStatus.PROCEED)
        assert verdict.constraints == (("utility_required",) if needed else ())
        assert not verdict.override_eligible


class TestDrift:
    @pytest.mark.parametrize(
        ("status", "reason", "constraints"),
        [
            (DriftStatus.INSUFFICIENT_DATA, "all_gates_passed", ()),
            (DriftStatus.NORMAL, "all_gates_passed", ()),
            (DriftStatus.WARNING, "drift_warning", ("drift_warning",)),
            (DriftStatus.CRITICAL, "drift_critical", ()),
        ],
    )
    def test_enforced(self, status: DriftStatus, reason: str, constraints: tuple[str, ...]) -> None:
        verdict = EVALUATE(SOUND, "agent", drift(status))
        assert (verdict.reason, verdict.constraints) == (reason, constraints)

    @pytest.mark.parametrize("status", list(DriftStatus))
    def test_never_enforced_in_shadow_mode(self, status: DriftStatus) -> None:
        shadow = AegisConfig(mode="shadow").create_gate_evaluator()
        assert shadow.evaluate(SOUND, "agent", drift(status)) == EVALUATE(SOUND, "agent", None)

    def test_a_dry_run_is_judged_like_any_other(self) -> None:
        for status in DriftStatus:
            dry = EVALUATE(inputs(dry_run=True), "agent", drift(status))
            assert dry == EVALUATE(SOUND, "agent", drift(status))

    def test_the_proposers_own_baseline_is_only_named(self) -> None:
        verdict = EVALUATE(inputs(drift_baseline_data=(0.9,) * 30), "agent", None)
        assert verdict._replace(constraints=()) == EVALUATE(SOUND, "agent", None)
        assert verdict.constraints == ("advisory_baseline",)


class TestApprovedBaselines:
    def test_they_replace_what_the_proposer_claims(self) -> None:
        parameters: dict[str, Any]
        claimed = inputs(risk_baseline=0.6, risk_proposed=0.7, profit_baseline=1.0)
        assert EVALUATE(claimed, "agent", None).failing == ()
        parameters = {"agent_baselines": {"agent": {"risk_baseline": 0.1}}}
        assert judge(claimed, **parameters).failing == ("risk",)
        parameters = {
            "group_baselines": {"g": {"profit_baseline": 1000.0}},
            "groups": {"agent": "g"},
        }
        assert judge(inputs(profit_baseline=0.0, profit_proposed=-5e3), **parameters).failing == (
            "profit",
        )

    def test_agents_without_one_are_judged_by_their_own_claim(self) -> None:
        parameters = {"agent_baselines": {"somebody else": {"risk_baseline": 0.0}}}
        assert judge(SOUND, **parameters) == EVALUATE(SOUND, "agent", None)


def test_limits_are_named_when_they_are_what_failed() -> None:
    verdict = judge(inputs(risk_proposed=0.95, profit_proposed=1.0), profit_floor=5.0)
    assert verdict.failing == ("risk", "profit")
    assert verdict.constraints == ("risk_ceiling", "profit_floor")


def test_confidence_is_the_least_of_the_evaluated_gates() -> None:
    verdict = EVALUATE(inputs(utility=UtilityEstimate(2.0, 1.0)), "agent", None)
    assert verdict.confidence == min(gate.confidence for gate in verdict.gates)
    verdict = EVALUATE(SOUND, "agent", None)
    assert verdict.confidence == min(gate.confidence for gate in verdict.gates[:5])


def test_versions() -> None:
    config = AegisConfig.default()
    assert CURRENT in EVALUATORS
    for version in EVALUATORS:
        made = evaluator(version, config)
        assert (made.version, made.config) == (version, config)
    with pytest.raises(UnknownEvaluatorError, match="version 99"):
        evaluator(99, config)


def pinned_inputs() -> Iterator[GateInputs]:
    """Inputs from a fixed linear congruence, so that every Python makes the same ones."""
    state = 1
    while True:
        numbers = []
        for _ in range(12):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            numbers.append((state >> 11) / 2**53)
        a, b, c, d, e, f, g, h, i, j, k, m = numbers
        yield GateInputs(
            IMPACTS[int(a * 4)], b, b + (1.0 - b) * c * c, d * 100.0, e * 200.0 - 50.0,
            0.6 + 0.4 * f, 0.45 + 0.55 * g, 0.6 + 0.4 * h, (i, 0.9),
            UtilityEstimate(j * 3.0, k * 2.0) if m < 0.5 else None,
            m < 0.1, False, m < 0.9, False, None,
        )  # fmt: skip


def test_results_are_pinned_to_the_bit() -> None:
    """The digest was made once; no platform, Python or release may change it for version 1."""
    evaluate = evaluator(1, AegisConfig.default()).evaluate
    digest = sha256()
    seen = set()
    for _, one in zip(range(2000), pinned_inputs(), strict=False):
        verdict = evaluate(one, "agent", None)
        seen.add(verdict.reason)
        for gate in verdict.gates:
            digest.update(struct.pack("<3d", *gate[1:]) + gate.outcome.encode())
        digest.update(struct.pack("<d", verdict.confidence) + verdict.reason.encode())
    assert seen == set(reasons.DECISION_REASONS) - {"drift_warning", "drift_critical"}
    assert digest.hexdigest() == "8a92770db399911ebc47bf2fe5919c5d622a8f957d0fe8952f58f14a512fa1ec"
