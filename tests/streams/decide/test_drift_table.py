from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance.config import AegisConfig
from aegis_governance.drift import AgentDrift
from aegis_streams.decide.agents import encode, restore
from aegis_streams.errors import ContinuityError
from support.deciding import AGENT, Deciding, proposal

BASELINE = {
    "id": "2026-q3",
    "edges": [0.1 * n for n in range(1, 10)],
    "counts": [100, 80, 10, 1, 1, 1, 1, 1, 1, 1],
}
DRIFTING = AegisConfig.from_dict({"agent_baselines": {AGENT: {"risk": BASELINE}}})


@given(st.lists(st.floats(0.0, 1.0), max_size=250))
def test_windows_survive_their_bytes(values: list[float]) -> None:
    agent = AgentDrift(DRIFTING, AGENT)
    for value in values:
        agent.observe(value, -value)
    again = AgentDrift(DRIFTING, AGENT)
    restore(again, encode(agent))
    assert encode(again) == encode(agent)
    assert again.observe(0.5, 0.5) == agent.observe(0.5, 0.5)


def test_damaged_bytes_are_refused() -> None:
    with pytest.raises(ContinuityError, match="drift"):
        restore(AgentDrift(DRIFTING, AGENT), b"\0\0\0\2{}")


def changes(leaves: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (leaf.fields["feature"], leaf.fields["former"], leaf.fields["status"])
        for leaf in leaves
        if leaf.kind == "DriftChanged"
    ]


def test_drift_is_recorded_and_enforced() -> None:
    deciding = Deciding(config=DRIFTING)
    seen: list[tuple[str, str, str]] = []
    halted = 0
    for number in range(120):
        drifted = number >= 40
        value = proposal(
            f"p-{number}",
            risk_baseline=0.85 if drifted else 0.1,
            risk_proposed=0.85 if drifted else 0.05 + 0.1 * (number % 2),
        )
        leaves = deciding.take(deciding.record(value))
        seen += changes(leaves)
        halted += leaves[0].fields["reason"] == "drift_critical"
    assert seen[0] == ("risk", "insufficient_data", "normal")
    assert [change[2] for change in seen][-1] == "critical"
    assert halted > 0
