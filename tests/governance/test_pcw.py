"""``pcw_decide``: the whole way from a context to a decision, as users call it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance import (
    AegisConfig,
    Ambient,
    DriftMonitor,
    Impact,
    MemorySink,
    PCWContext,
    PCWPhase,
    PCWStatus,
    TelemetryEmitter,
    UtilityResult,
    pcw_decide,
)
from aegis_governance.errors import InputError
from aegis_governance.gates import GateInputs, UtilityEstimate
from aegis_governance.pcw import pcw_refuse
from aegis_governance.vocabulary import GATES
from support.inputs import gate_inputs

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone(timedelta(hours=1)))
FIXED = Ambient(lambda: NOON, lambda: "d-1")
SOUND = PCWContext("Raise the limit", novelty_score=0.8, session_id="s")
FLAT = {"id": "b", "edges": [0.5], "counts": [50, 50]}


class BrokenEvaluator:
    """An evaluator whose every call fails."""

    version = 1
    config = AegisConfig.default()

    def evaluate(self, *_: object) -> Any:
        message = "secret detail"
        raise ZeroDivisionError(message)


def test_the_guides_lambda() -> None:
    """The call as the deployment guide writes it."""
    evaluator = AegisConfig.default().create_gate_evaluator()
    context = PCWContext(
        agent_id="lambda",
        session_id="request-1",
        phase=PCWPhase.PLAN,
        proposal_summary="deploy",
        estimated_impact="medium",
        risk_proposed=0.1,
        complexity_score=0.5,
        quality_score=0.8,
    )
    decision = pcw_decide(context, gate_evaluator=evaluator)
    assert decision.status.value == "halt"
    assert decision.rationale == "Failing gates: risk, novelty"
    assert decision.decision_id.startswith("d-")


def test_every_documented_field() -> None:
    decision = pcw_decide(SOUND, around=FIXED)
    assert (decision.status, decision.reason) == (PCWStatus.PROCEED, "all_gates_passed")
    assert (decision.decision_id, decision.timestamp) == ("d-1", "2026-01-02T12:00:00+01:00")
    assert (decision.gates_passed, decision.gates_failed) == (5, 0)
    assert decision.gate_evaluation.gates["risk"].passed is True
    assert decision.gates["utility"].passed is None
    assert decision.parameters_sha256 == AegisConfig.default().sha256().hex()
    plain = json.loads(json.dumps(decision.to_dict(), allow_nan=False))
    assert list(plain["gates"]) == list(GATES)
    assert set(plain) == {
        "decision_id", "timestamp", "status", "reason", "confidence", "gates_passed",
        "gates_failed", "failing_gates", "rationale", "next_steps", "constraints",
        "constraint_codes", "override_eligible", "override_requires", "shadow_mode", "mode",
        "drift_result", "parameters_sha256", "evaluator", "gates",
    }  # fmt: skip


def test_the_same_proposal_gives_the_same_decision() -> None:
    assert pcw_decide(SOUND, around=FIXED) == pcw_decide(SOUND, around=FIXED)
    assert pcw_decide(SOUND).decision_id != pcw_decide(SOUND).decision_id
    assert PCWContext("x").session_id != PCWContext("x").session_id


@given(gate_inputs())
def test_the_context_hands_on_what_it_was_given(given_inputs: GateInputs) -> None:
    utility = given_inputs.utility
    context = PCWContext(
        "x",
        given_inputs.impact,
        "agent",
        "s",
        "verify",
        *given_inputs[1:9],
        UtilityResult(*utility) if utility else None,
        *given_inputs[10:],
    )
    assert context.gate_inputs() == given_inputs
    assert context.fault() is None


def test_whole_numbers_and_members_are_converted() -> None:
    context = PCWContext(
        "x",
        Impact.CRITICAL,
        risk_proposed=1,
        quality_subscores=[1, 1],
        utility_result=UtilityResult(2, 1),
    )
    inputs = context.gate_inputs()
    assert inputs.impact == "critical"
    assert type(inputs.risk_proposed) is float
    assert inputs.quality_subscores == (1.0, 1.0)
    assert inputs.utility == UtilityEstimate(2.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"proposal_summary": ""}, "proposal_summary"),
        ({"agent_id": ""}, "agent_id"),
        ({"phase": "dream"}, "phase"),
        ({"estimated_impact": "huge"}, "estimated_impact"),
        ({"risk_proposed": float("nan")}, "risk_proposed"),
        ({"risk_proposed": 1.5}, "risk_proposed"),
        ({"profit_proposed": 10**400}, "profit_proposed"),
        ({"quality_subscores": []}, "quality_subscores"),
        ({"utility_result": {"mean": 1}}, "utility_result.mean"),
        ({"utility_result": UtilityResult(1.0, -1.0)}, "utility_result.variance"),
        ({"drift_baseline_data": [0.5] * 29}, "drift_baseline_data"),
        ({"shadow_mode": "no"}, "shadow_mode"),
    ],
)
def test_a_faulty_proposal_halts_and_names_the_field(changes: dict[str, Any], field: str) -> None:
    decision = pcw_decide(PCWContext(**{"proposal_summary": "x", **changes}))
    assert (decision.status, decision.reason) == (PCWStatus.HALT, "field_invalid")
    assert f"{field} is " in decision.rationale
    assert "; give " in decision.rationale
    assert not decision.override_eligible


def test_an_error_during_evaluation_halts() -> None:
    decision = pcw_decide(SOUND, gate_evaluator=BrokenEvaluator())
    assert (decision.status, decision.reason) == (PCWStatus.HALT, "evaluation_error")
    assert "ZeroDivisionError" in decision.rationale
    assert "secret" not in decision.rationale
    assert not decision.override_eligible


def test_a_proposal_that_could_not_be_evaluated_does_not_enter_the_window() -> None:
    _, monitor = drifting("enforce")
    before = monitor.current("aegis-cli")
    decision = pcw_decide(SOUND, BrokenEvaluator(), drift_monitor=monitor)
    assert decision.reason == "evaluation_error"
    assert decision.drift_result is None
    assert monitor.current("aegis-cli") == before
    decision = pcw_decide(SOUND, BrokenEvaluator(), drift_monitor=monitor, shadow_mode=True)
    assert decision.reason == "evaluation_error"
    assert monitor.current("aegis-cli") == before


def test_what_is_no_proposal_at_all() -> None:
    evaluator = AegisConfig.default().create_gate_evaluator()
    decision = pcw_refuse(InputError("unknown key", "rsk", "'risk'"), evaluator, around=FIXED)
    assert (decision.status, decision.reason) == (PCWStatus.HALT, "field_invalid")
    assert decision.rationale.endswith("unknown key is 'rsk'; give 'risk'")


class TestShadow:
    @pytest.mark.parametrize(
        ("own", "given_mode", "dry"),
        [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
    )
    def test_the_argument_comes_before_the_proposal(
        self, own: bool, given_mode: bool | None, dry: bool
    ) -> None:
        context = PCWContext("x", novelty_score=0.8, shadow_mode=own)
        decision = pcw_decide(context, shadow_mode=given_mode)
        assert decision.shadow_mode is dry
        assert decision.status is PCWStatus.PROCEED

    def test_a_dry_run_does_not_enter_the_window(self) -> None:
        config = AegisConfig.from_dict(
            {"agent_baselines": {"aegis-cli": {"risk": FLAT}}, "drift_minimum": 1}
        )
        monitor = DriftMonitor(config)
        evaluator = config.create_gate_evaluator()
        dry = pcw_decide(SOUND, evaluator, shadow_mode=True, drift_monitor=monitor)
        assert dry.drift_result is not None
        assert dry.drift_result.status == "insufficient_data"
        wet = pcw_decide(SOUND, evaluator, drift_monitor=monitor)
        assert wet.drift_result is not None
        assert wet.drift_result.status != "insufficient_data"
        assert wet.drift_result.enforced


def drifting(mode: str) -> tuple[AegisConfig, DriftMonitor]:
    config = AegisConfig.from_dict(
        {
            "agent_baselines": {"aegis-cli": {"risk": FLAT}},
            "drift": {"minimum": 5, "tau_warning": 0.1, "tau_critical": 0.2},
            "mode": mode,
        }
    )
    monitor = DriftMonitor(config)
    for _ in range(20):
        monitor.observe("aegis-cli", 0.9, 0.0)
    return config, monitor


def test_critical_drift_halts_where_it_is_enforced() -> None:
    config, monitor = drifting("enforce")
    decision = pcw_decide(SOUND, config.create_gate_evaluator(), drift_monitor=monitor)
    assert decision.reason == "drift_critical"
    config, monitor = drifting("shadow")
    decision = pcw_decide(SOUND, config.create_gate_evaluator(), drift_monitor=monitor)
    assert decision.reason == "all_gates_passed"
    assert decision.mode == "shadow"
    assert decision.drift_result is not None
    assert decision.drift_result.to_dict()["status"] == "critical"
    assert not decision.drift_result.enforced


def test_telemetry_tells_what_happened_but_not_the_summary() -> None:
    sink = MemorySink()
    emitter = TelemetryEmitter("test", clock=lambda: NOON)
    emitter.add_sink(sink)
    config, _ = drifting("enforce")
    monitor = DriftMonitor(config)
    for _ in range(4):
        monitor.observe("aegis-cli", 0.9, 0.0)
    decision = pcw_decide(SOUND, config.create_gate_evaluator(), emitter, drift_monitor=monitor)
    names = [event.name for event in sink.events]
    assert names == [
        "proposal.received",
        *["gate.evaluated"] * 6,
        "drift.status_changed",
        "decision.made",
    ]
    assert sink.events[-2].data["former"] == "insufficient_data"
    assert sink.events[-1].data["status"] == decision.status.value
    assert "Raise the limit" not in json.dumps([event.to_dict() for event in sink.events])


def test_faulty_proposals_are_told_too() -> None:
    sink = MemorySink()
    emitter = TelemetryEmitter("test")
    emitter.add_sink(sink)
    pcw_decide(PCWContext("", agent_id="a"), telemetry_emitter=emitter)
    assert sink.events[-1].data["reason"] == "field_invalid"


@given(st.dictionaries(st.sampled_from(["risk_proposed", "novelty_score"]), st.floats()))
def test_no_number_makes_it_raise(changes: dict[str, Any]) -> None:
    decision = pcw_decide(PCWContext("x", **changes))
    assert decision.status in PCWStatus
