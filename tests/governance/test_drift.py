"""Drift windows: thresholds, sliding equal to starting from scratch, and keeping state."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance import AegisConfig, DriftMonitor
from aegis_governance.config import RISK_EDGES
from aegis_governance.drift import AgentDrift, DriftState
from aegis_governance.vocabulary import DriftStatus

FLAT = {"id": "risk-1", "edges": list(RISK_EDGES), "counts": [10] * 10}
PROFIT = {"id": "profit-1", "edges": [0.0, 10.0], "counts": [10, 80, 10]}
MIDDLES = [(i + 0.5) / 10 for i in range(10)]


def config(**changes: Any) -> AegisConfig:
    baseline = {"risk": FLAT, "profit": PROFIT}
    return AegisConfig.from_dict({"agent_baselines": {"agent": baseline}, **changes})


def fed(under: AegisConfig, values: list[tuple[float, float]]) -> AgentDrift:
    agent = AgentDrift(under, "agent")
    for risk, profit in values:
        agent.observe(risk, profit)
    return agent


def from_scratch(values: list[float], edges: list[float], counts: list[int]) -> float:
    """The documented formula in high precision."""
    bins = [sum(value >= edge for edge in edges) for value in values]
    size, half = len(counts), mpmath.mpf("0.5")
    total = mpmath.mpf(0)
    for i, count in enumerate(counts):
        p = (bins.count(i) + half) / (len(values) + half * size)
        q = (count + half) / (sum(counts) + half * size)
        total += p * mpmath.log(p / q)
    return float(total)


pairs = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(-1e3, 1e3)), min_size=1, max_size=60)


class TestDivergence:
    def test_a_window_like_its_baseline_has_none(self) -> None:
        agent = fed(config(), [(middle, 5.0) for middle in MIDDLES * 3])
        assert agent.current().divergences[0] == pytest.approx(0.0, abs=1e-15)

    @given(st.lists(st.floats(0.0, 1.0), min_size=30, max_size=100))
    def test_it_is_the_documented_formula(self, values: list[float]) -> None:
        agent = fed(config(), [(value, 0.0) for value in values])
        expected = from_scratch(values, list(RISK_EDGES), [10] * 10)
        assert agent.current().divergences[0] == pytest.approx(expected, abs=1e-13)

    @given(pairs)
    def test_sliding_equals_starting_from_scratch_to_the_bit(
        self, values: list[tuple[float, float]]
    ) -> None:
        small = config(drift_window=10, drift_minimum=3)
        slid, scratch = fed(small, values), fed(small, values[-10:])
        assert slid.current().divergences == scratch.current().divergences
        assert slid.state().values == scratch.state().values

    def test_values_on_an_edge_belong_to_the_bin_above(self) -> None:
        small = config(drift_window=1, drift_minimum=1, drift_pseudo_count=0.001)
        on_edge = AgentDrift(small, "agent").observe(0.5, 10.0).divergences
        assert on_edge == AgentDrift(small, "agent").observe(0.55, 1e9).divergences
        assert on_edge[1] != AgentDrift(small, "agent").observe(0.55, 9.99).divergences[1]

    @given(pairs)
    def test_it_is_never_negative(self, values: list[tuple[float, float]]) -> None:
        agent = fed(config(drift_minimum=1), values)
        assert all(d is not None and d >= 0.0 for d in agent.current().divergences)


class TestStatus:
    def test_insufficient_until_the_minimum_then_judged(self) -> None:
        agent = AgentDrift(config(), "agent")
        seen = [agent.observe(0.05, 5.0).status for _ in range(31)]
        assert seen[:29] == [DriftStatus.INSUFFICIENT_DATA] * 29
        assert seen[29:] == [DriftStatus.CRITICAL] * 2

    def test_changes_are_reported_once_per_feature(self) -> None:
        agent = AgentDrift(config(), "agent")
        reported = [change for i in range(60) for change in agent.observe(0.05, 5.0).changes]
        first, second = reported[:2]
        assert first[:3] == ("risk", "insufficient_data", "critical")
        assert (first.size, first.baseline_id) == (30, "risk-1")
        assert first.divergence is not None
        assert first.divergence >= 0.5
        assert second[:3] == ("profit", "insufficient_data", "normal")
        assert len(reported) == 2

    def test_thresholds_belong_to_the_worse_status(self) -> None:
        values = [(0.05, 5.0)] * 15 + [(middle, 5.0) for middle in MIDDLES * 2]
        measured = fed(config(), values).current().divergences[0]
        assert measured is not None
        above = math.nextafter(measured, math.inf)
        at_warning = config(tau_warning=measured, tau_critical=above)
        assert fed(at_warning, values).current().status is DriftStatus.WARNING
        at_critical = config(tau_warning=measured / 2, tau_critical=measured)
        assert fed(at_critical, values).current().status is DriftStatus.CRITICAL
        below = config(tau_warning=above, tau_critical=1.0)
        assert fed(below, values).current().status is DriftStatus.NORMAL

    def test_it_recovers(self) -> None:
        agent = fed(config(), [(0.05, 5.0)] * 100)
        assert agent.current().status is DriftStatus.CRITICAL
        seen = [agent.observe(MIDDLES[i % 10], 5.0).status for i in range(100)]
        assert seen[-1] is DriftStatus.NORMAL
        assert DriftStatus.WARNING in seen

    def test_without_a_baseline_nothing_is_judged_but_values_are_kept(self) -> None:
        agent = AgentDrift(config(), "somebody else")
        for _ in range(50):
            observed = agent.observe(0.05, 5.0)
        assert observed == (DriftStatus.INSUFFICIENT_DATA, (None, None), ())
        assert agent.window("risk").values() == (0.05,) * 50

    def test_one_feature_alone(self) -> None:
        only = AegisConfig.from_dict({"agent_baselines": {"agent": {"profit": PROFIT}}})
        agent = fed(only, [(0.05, -5.0)] * 30)
        assert agent.current().divergences[0] is None
        assert agent.current().status is DriftStatus.CRITICAL

    def test_a_group_baseline_serves_its_members(self) -> None:
        under = AegisConfig.from_dict(
            {"group_baselines": {"g": {"risk": FLAT}}, "groups": {"agent": "g"}}
        )
        assert fed(under, [(0.05, 0.0)] * 30).current().status is DriftStatus.CRITICAL

    def test_looking_changes_nothing(self) -> None:
        agent = fed(config(), [(0.05, 5.0)] * 40)
        before = agent.state()
        assert agent.current() == agent.current()
        assert agent.state() == before


def restored(under: AegisConfig, state: DriftState, agent_id: str = "agent") -> AgentDrift:
    agent = AgentDrift(under, agent_id)
    agent.restore(*state)
    return agent


class TestState:
    @given(pairs, pairs)
    def test_going_on_equals_never_having_stopped(
        self, before: list[tuple[float, float]], after: list[tuple[float, float]]
    ) -> None:
        small = config(drift_window=20, drift_minimum=5)
        unbroken = fed(small, before)
        agent = restored(small, unbroken.state())
        assert agent.state() == unbroken.state()
        assert agent.current() == unbroken.current()
        for risk, profit in after:
            assert agent.observe(risk, profit) == unbroken.observe(risk, profit)
        assert agent.state() == unbroken.state()

    @given(pairs)
    def test_taking_back_is_as_if_it_never_happened(
        self, values: list[tuple[float, float]]
    ) -> None:
        small = config(drift_window=10, drift_minimum=3)
        agent, other = fed(small, values[:-1]), fed(small, values[:-1])
        agent.observe(*values[-1])
        agent.take_back()
        assert agent.state() == other.state()
        assert agent.current() == other.current()
        for risk, profit in values:
            assert agent.observe(risk, profit) == other.observe(risk, profit)

    def test_values_are_little_endian_doubles_oldest_first(self) -> None:
        agent = fed(config(drift_window=2, drift_minimum=1), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)])
        assert agent.state().values[0].hex() == "000000000000e03f" + "000000000000f03f"
        assert agent.window("profit").values() == (2.0, 3.0)

    def test_a_smaller_window_keeps_the_most_recent(self) -> None:
        state = fed(config(), [(i / 100, 5.0) for i in range(100)]).state()
        agent = restored(config(drift_window=30), state)
        assert agent.window("risk").values() == tuple(i / 100 for i in range(70, 100))

    def test_after_a_change_of_baseline_the_former_status_stands_until_refilled(self) -> None:
        state = fed(config(), [(0.05, 5.0)] * 100).state()
        assert state.statuses == ("critical", "normal")
        other = {"risk": {**FLAT, "id": "risk-2", "counts": [91, *[1] * 9]}, "profit": PROFIT}
        changed = config(agent_baselines={"agent": other})
        agent = restored(changed, state)
        assert agent.current().status is DriftStatus.CRITICAL
        assert len(agent.window("risk")) == 0
        assert len(agent.window("profit")) == 100
        seen = [agent.observe(0.05, 5.0) for _ in range(30)]
        assert [one.status for one in seen[:29]] == [DriftStatus.CRITICAL] * 29
        assert seen[29].status is DriftStatus.NORMAL
        assert [change[:3] for one in seen for change in one.changes] == [
            ("risk", "critical", "normal")
        ]

    def test_withdrawing_a_baseline_is_a_change(self) -> None:
        state = fed(config(), [(0.05, 5.0)] * 100).state()
        agent = restored(AegisConfig.default(), state)
        assert agent.current().status is DriftStatus.CRITICAL
        changes = agent.observe(0.5, 5.0).changes
        assert [change[:4] for change in changes] == [
            ("risk", "critical", "insufficient_data", None),
            ("profit", "normal", "insufficient_data", None),
        ]


class TestMonitor:
    def test_agents_are_kept_apart(self) -> None:
        monitor = DriftMonitor(config())
        for _ in range(40):
            monitor.observe("agent", 0.05, 5.0)
            monitor.observe("other", 0.05, 5.0)
        assert monitor.current("agent").status is DriftStatus.CRITICAL
        assert monitor.current("other").status is DriftStatus.INSUFFICIENT_DATA
        assert monitor.current("unheard of").status is DriftStatus.INSUFFICIENT_DATA

    def test_the_agent_seen_longest_ago_is_forgotten(self) -> None:
        small = config(drift_minimum=1)
        monitor = DriftMonitor(small, maximum_agents=2)
        for agent in ("agent", "b", "agent", "c"):
            monitor.observe(agent, 0.05, 5.0)
        assert monitor.current("agent").status is not DriftStatus.INSUFFICIENT_DATA
        monitor.observe("b", 0.05, 5.0)
        monitor.observe("c", 0.05, 5.0)
        assert monitor.current("agent").status is DriftStatus.INSUFFICIENT_DATA
