"""Texts: every code has words, and gate messages say what the numbers say."""

from __future__ import annotations

import pytest

from aegis_governance import AegisConfig
from aegis_governance.decision import reasons, refused, texts
from aegis_governance.decision.explain import Explanation, explain
from aegis_governance.gates import UtilityEstimate
from aegis_governance.vocabulary import GATES
from support.inputs import SOUND, failing, inputs

EVALUATE = AegisConfig(profit_floor=-1e4).create_gate_evaluator().evaluate


def explained(**changes: object) -> Explanation:
    verdict = EVALUATE(inputs(**changes), "agent", None)
    return explain(
        verdict.reason,
        verdict.gates,
        verdict.constraints,
        override_eligible=verdict.override_eligible,
    )


def test_every_code_has_words() -> None:
    assert set(texts.RATIONALES) == set(texts.NEXT_STEPS) == set(reasons.REASONS)
    assert set(texts.CONSTRAINTS) == set(reasons.CONSTRAINTS)


def test_codes_are_distinct() -> None:
    assert len(set(reasons.REASONS)) == len(reasons.REASONS)


def test_the_documented_rationale() -> None:
    told = explained(
        impact="high", risk_proposed=0.85, risk_baseline=0.1, utility=UtilityEstimate(-1.0, 1.0)
    )
    assert told.rationale == "High impact proposal with failing gates: risk, utility"
    assert told.next_steps[0] == "Escalate to the Risk Lead"
    assert told.override_requires == ("risk_lead", "security_lead")


def test_a_sound_proposal() -> None:
    told = explained()
    assert told.rationale == "All 5 evaluated gates passed"
    assert told.override_requires == told.constraints == ()
    assert tuple(told.messages) == GATES


@pytest.mark.parametrize(
    ("changes", "gate", "message"),
    [
        ({}, "risk", "Probability 0.000173310 of a large rise of risk is not above 0.95"),
        ({"risk_proposed": 0.95}, "risk", "Proposed risk 0.95 is above the ceiling 0.9"),
        ({"risk_proposed": 0.85, "risk_baseline": 0.1}, "risk", "Probability 1 of a large rise of"),
        ({"profit_proposed": -1e5}, "profit", "Proposed profit -100000 is below the floor -10000"),
        ({"profit_proposed": -1e3}, "profit", "of a large adverse change of profit is above 0.95"),
        ({"novelty_score": 1.0}, "novelty", "Novelty value 0.952574 is on the right side of 0.6"),
        ({"novelty_score": 0.0}, "novelty", "is on the wrong side of 0.6"),
        ({"complexity_score": 0.25}, "complexity", "Complexity score 0.25 is below 0.5"),
        ({"complexity_score": 0.5}, "complexity", "Complexity score 0.5 reaches 0.5"),
        ({"quality_score": 0.6}, "quality", "Quality score 0.6 is below 0.7"),
        ({"quality_subscores": (0.0,)}, "quality", "Quality score 0.8 reaches 0.7, but a subscore"),
        ({"utility": UtilityEstimate(1.0, 0.0)}, "utility", "Lower bound 1 of utility is above 0"),
        (
            {"utility": UtilityEstimate(0.0, 0.0)},
            "utility",
            "Lower bound 0 of utility is not above",
        ),
        ({}, "utility", "Not evaluated"),
        ({"quality_score": 0.69999999999}, "quality", "0.69999999999 is below 0.7"),
    ],
)
def test_gate_messages(changes: dict[str, object], gate: str, message: str) -> None:
    if gate == "risk" and not changes:
        changes = {"risk_baseline": 0.1, "risk_proposed": 0.15}
        message = "Probability 0.00017331 of a large rise of risk is not above 0.95"
    assert message in explained(**changes).messages[gate]


def test_a_refusal_says_which_field() -> None:
    verdict = refused(reasons.FIELD_INVALID)
    told = explain(verdict.reason, verdict.gates, detail="risk_proposed is {nan}")
    assert told.rationale.endswith("out of its range: risk_proposed is {nan}")
    assert set(told.messages.values()) == {"Not evaluated"}


def test_codes_of_a_later_release_are_shown_as_they_are() -> None:
    verdict = EVALUATE(failing("risk"), "agent", None)
    told = explain("quota_{exceeded}", verdict.gates, ("lunar_phase",))
    assert told.rationale == "Reason code 'quota_{exceeded}'"
    assert told.constraints == ("lunar_phase",)
    assert told.next_steps == ()


def test_plain_tuples_as_read_from_a_record_do_as_well() -> None:
    verdict = EVALUATE(SOUND, "agent", None)
    plain = [(gate.outcome.value, *gate[1:]) for gate in verdict.gates]
    read = explain(verdict.reason, plain)  # type: ignore[arg-type]  # what a decoder yields
    assert read == explain(verdict.reason, verdict.gates)
