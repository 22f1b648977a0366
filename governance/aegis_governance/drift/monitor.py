"""Drift of many agents in one process, for users of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_governance.drift.agent import AgentDrift, DriftObservation

if TYPE_CHECKING:
    from aegis_governance.config import AegisConfig

MAXIMUM_AGENTS: Final = 100_000
"""The most agents that one monitor watches, unless told otherwise."""


class DriftMonitor:
    """Windows by agent; when full, the agent that was seen longest ago is forgotten."""

    def __init__(self, config: AegisConfig, maximum_agents: int = MAXIMUM_AGENTS) -> None:
        """Start with no agent.

        Args:
            config: The parameter set with thresholds and approved baselines.
            maximum_agents: The most agents watched at once, at least 1.
        """
        self._config: Final = config
        self._maximum: Final = maximum_agents
        self._agents: dict[str, AgentDrift] = {}

    def observe(self, agent_id: str, risk: float, profit: float) -> DriftObservation:
        """Take in the proposed risk and profit of an agent's proposal, and judge the agent."""
        return self._agent(agent_id).observe(risk, profit)

    def take_back(self, agent_id: str) -> None:
        """Undo the latest ``observe`` of an agent: its proposal was refused after all."""
        self._agents[agent_id].take_back()

    def current(self, agent_id: str) -> DriftObservation:
        """Return where an agent stands, without observing anything."""
        known = self._agents.get(agent_id)
        return (known or AgentDrift(self._config, agent_id)).current()

    def _agent(self, agent_id: str) -> AgentDrift:
        agent = self._agents.pop(agent_id, None)
        if agent is None:
            if len(self._agents) >= self._maximum:
                del self._agents[next(iter(self._agents))]
            agent = AgentDrift(self._config, agent_id)
        self._agents[agent_id] = agent
        return agent
