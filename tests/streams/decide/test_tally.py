from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from aegis_governance.config import AegisConfig
from aegis_governance.vocabulary import GATES
from support.deciding import AGENT, Deciding, proposal

if TYPE_CHECKING:
    from aegis_streams.decide.tally import Tally

UTILITY: dict[str, object] = {
    "mean": 3.0,
    "variance": 0.1,
    "lcb": None,
    "z_score": None,
    "components": {},
}
CHANGES: tuple[dict[str, object], ...] = (
    {},
    {"novelty_score": 0.1},
    {"complexity_score": 0.1, "quality_score": 0.1},
    {"utility_result": UTILITY},
)
BASELINE = {
    "risk": {"id": "risk-1", "edges": [0.5], "counts": [100, 1]},
    "profit": {"id": "profit-1", "edges": [5.0], "counts": [50, 50]},
}


def counted(tally: Tally) -> Counter[tuple[str, str]]:
    return Counter({(gate, outcome): count for gate, outcome, count in tally.gates() if count})


def test_gates_are_counted_as_the_leaves_say() -> None:
    deciding = Deciding()
    said: Counter[tuple[str, str]] = Counter()
    for number, change in enumerate(CHANGES):
        leaf = deciding.decide(proposal(f"p-{number}", **change))
        said.update((gate, leaf.fields[f"{gate}_outcome"]) for gate in GATES)
    assert counted(deciding.processor.tally) == said
    assert sum(said.values()) == 4 * len(GATES)
    assert (
        said["utility", "not_evaluated"]
        == said["utility", "passed"] + said["utility", "failed"] + 2
    )


def test_what_was_not_evaluated_is_not_counted() -> None:
    deciding = Deciding()
    deciding.take(deciding.record(proposal(risk_proposed=7.0)))
    deciding.take(deciding.record(b"not a proposal"))
    assert not counted(deciding.processor.tally)


def test_the_largest_divergence_of_each_feature_is_kept_until_cleared() -> None:
    baselines = {"group_baselines": {"g": BASELINE}, "groups": {AGENT: "g"}, "drift_minimum": 2}
    deciding = Deciding(config=AegisConfig.from_dict(baselines))
    seen = []
    for number in range(6):
        leaf = deciding.decide(proposal(f"p-{number}", risk_proposed=0.1 if number else 0.8))
        seen.append((leaf.fields["drift_risk"], leaf.fields["drift_profit"]))
    judged = [(risk, profit) for risk, profit in seen if risk is not None]
    tally = deciding.processor.tally
    assert dict(tally.divergences()) == {
        "risk": pytest.approx(max(risk for risk, _ in judged)),
        "profit": pytest.approx(max(profit for _, profit in judged)),
    }
    tally.clear()
    assert dict(tally.divergences()) == {}
    assert not counted(tally)
