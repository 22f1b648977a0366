"""The decision rule: every row, and every pair of rows, enumerated."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import pytest

from aegis_governance.decision import reasons, refused
from aegis_governance.decision.rule import Ruling, decide
from aegis_governance.vocabulary import GATES, IMPACTS, DriftStatus, PCWStatus


class Case(NamedTuple):
    drift: DriftStatus | None
    failing: tuple[str, ...]
    impact: str
    asks: bool
    reversible: bool
    missing: bool

    def ruling(self) -> Ruling:
        return decide(
            self.failing,
            self.impact,
            self.drift,
            asks_for_person=self.asks,
            reversible=self.reversible,
            utility_missing=self.missing,
        )


FAILING = ((), ("risk",), ("complexity",), ("risk", "complexity"), GATES)
CASES = [
    Case(*values)
    for values in product(
        (None, *DriftStatus), FAILING, IMPACTS, (False, True), (False, True), (False, True)
    )
]
HALT, PAUSE, PROCEED = PCWStatus.HALT, PCWStatus.PAUSE, PCWStatus.PROCEED


def expected(case: Case) -> Ruling:
    """The table of the rule, read off row by row."""
    high = case.impact in ("high", "critical")
    person = case.asks or case.impact == "critical" or (high and not case.reversible)
    rows = (
        (case.drift == "critical", Ruling(HALT, "drift_critical", False)),
        ("complexity" in case.failing, Ruling(HALT, "complexity_floor", False)),
        (
            bool(case.failing) and high,
            Ruling(PCWStatus.ESCALATE, "high_impact_gate_failed", True),
        ),
        (bool(case.failing), Ruling(HALT, "gate_failed", True)),
        (person or case.missing, Ruling(PAUSE, "human_review", False)),
        (case.drift == "warning", Ruling(PROCEED, "drift_warning", False)),
        (True, Ruling(PROCEED, "all_gates_passed", False)),
    )
    return next(ruling for matches, ruling in rows if matches)


def test_every_combination() -> None:
    assert len(CASES) == 5 * 5 * 4 * 8
    wrong = [case for case in CASES if case.ruling() != expected(case)]
    assert wrong == []


def test_every_row_is_reached() -> None:
    assert {case.ruling().reason for case in CASES} == set(reasons.DECISION_REASONS)
    assert {case.ruling().status for case in CASES} == set(PCWStatus)


@pytest.mark.parametrize("case", [case for case in CASES if case.failing], ids=str)
def test_nothing_proceeds_with_a_failed_gate(case: Case) -> None:
    assert case.ruling().status is not PROCEED


def test_drift_as_plain_text_counts_too() -> None:
    text: DriftStatus = "critical"  # type: ignore[assignment]  # what a careless caller may pass
    case = Case(text, (), "low", False, True, False)
    assert case.ruling().reason == "drift_critical"


def test_an_impact_nobody_knows_counts_as_high() -> None:
    assert Case(None, ("risk",), "immense", False, True, False).ruling().status == "escalate"
    assert Case(None, (), "immense", False, False, False).ruling().status is PAUSE


@pytest.mark.parametrize("reason", reasons.REFUSAL_REASONS)
def test_refusals_halt_and_nobody_may_override_them(reason: str) -> None:
    verdict = refused(reason)
    assert verdict.status is HALT
    assert verdict.reason == reason
    assert not verdict.override_eligible
    assert verdict.confidence == 0.0
    assert all(gate.outcome == "not_evaluated" for gate in verdict.gates)
