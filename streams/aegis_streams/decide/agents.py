"""The drift table: an agent's windows as bytes, decoded when the agent is first seen.

The bytes in the table are the truth. Decoded windows are a cache, written back by `flush`.
"""

from __future__ import annotations

import json
import struct
from typing import Final

from aegis_governance.config import AegisConfig
from aegis_governance.drift import AgentDrift, DriftObservation
from aegis_governance.gates import GateInputs
from aegis_streams.decide.horizon import KeyValue

_CACHED_AGENTS: Final = 20_000


class AgentWindows:
    """Drift windows of the agents of one partition."""

    def __init__(self, table: KeyValue, config: AegisConfig) -> None:
        self._table = table
        self._config = config
        self._agents: dict[str, AgentDrift] = {}
        self._touched: set[str] = set()

    def observe(self, agent_id: str, inputs: GateInputs) -> DriftObservation:
        """Take a proposal into its agent's windows; a dry run is judged without entering them."""
        agent = self._agents.get(agent_id)
        if agent is None:
            agent = self._agents[agent_id] = self._load(agent_id)
        if inputs.dry_run:
            return agent.current()
        self._touched.add(agent_id)
        return agent.observe(inputs.risk_proposed, inputs.profit_proposed)

    def flush(self) -> None:
        """Write the windows touched since the last call to the table."""
        for agent_id in sorted(self._touched):
            self._table.put(agent_id.encode(), encode(self._agents[agent_id]))
        self._touched.clear()
        if len(self._agents) > _CACHED_AGENTS:
            self._agents.clear()

    def _load(self, agent_id: str) -> AgentDrift:
        data = self._table.get(agent_id.encode())
        return AgentDrift(self._config, agent_id) if data is None else decode(data)
