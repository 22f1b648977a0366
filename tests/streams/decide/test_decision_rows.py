"""Decisions are written from tuples; the bytes must be those of their fields by name."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.records import bodies
from aegis_codecs.records.audit import columns_of
from aegis_governance.config import AegisConfig
from aegis_governance.vocabulary import GATES, IMPACTS, PHASES
from bench.workload import proposals
from support.deciding import AGENT, Deciding, proposal

SCORES = ("risk_proposed", "novelty_score", "complexity_score", "quality_score")
FLAGS = ("requires_human_approval", "time_sensitive", "reversible", "shadow_mode")


@settings(max_examples=60, deadline=None)
@given(
    fields=st.fixed_dictionaries(
        {
            "estimated_impact": st.sampled_from(IMPACTS),
            "phase": st.sampled_from(PHASES),
            "session_id": st.sampled_from(("", "s-1", "\N{LATIN SMALL LETTER E WITH ACUTE}")),
            **dict.fromkeys(SCORES, st.floats(0.0, 1.0)),
            **dict.fromkeys(FLAGS, st.booleans()),
        }
    )
)
def test_any_decision(fields: dict[str, object]) -> None:
    deciding = Deciding()
    deciding.decide({**proposal(), **fields})
    check(deciding)


def test_decisions_with_drift() -> None:
    histogram = {"id": "b-1", "edges": [0.1, 0.3, 0.6], "counts": [20, 30, 10, 5]}
    config = AegisConfig.from_dict({"agent_baselines": {AGENT: {"risk": histogram}}})
    deciding = Deciding(config=config)
    for each in islice(proposals("drift"), 120):
        deciding.take(deciding.record({**each, "agent_id": AGENT}))
    found = [bodies.decode(entry.body).fields for entry in deciding.entries]
    assert sum(fields.get("drift_risk") is not None for fields in found) > 50
    check(deciding)


@pytest.mark.parametrize("gate", GATES)
def test_each_gate_lands_in_its_own_fields(gate: str) -> None:
    fields = Deciding().decide(proposal(**FAILING[gate])).fields
    assert [name for name in GATES if fields[f"{name}_outcome"] == "failed"] == [gate]


def check(deciding: Deciding) -> None:
    for entry in deciding.entries:
        kind, fields = bodies.decode(entry.body)
        assert bodies.encode(kind, fields) == entry.body
        assert columns_of(entry.body) == entry.columns


FAILING: dict[str, dict[str, Any]] = {
    "risk": {"risk_proposed": 0.95},
    "profit": {"profit_proposed": -1000.0},
    "novelty": {"novelty_score": 0.1},
    "complexity": {"complexity_score": 0.1},
    "quality": {"quality_score": 0.1},
    "utility": {
        "utility_result": {
            "mean": -1.0,
            "variance": 1.0,
            "lcb": None,
            "z_score": None,
            "components": {},
        }
    },
}
