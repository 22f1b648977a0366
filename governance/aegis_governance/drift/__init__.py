"""Drift: how far an agent's recent proposals are from its approved baseline."""

from __future__ import annotations

from aegis_governance.drift.agent import AgentDrift, DriftChange, DriftObservation, DriftState
from aegis_governance.drift.monitor import DriftMonitor
from aegis_governance.drift.window import DriftWindow

__all__ = [
    "AgentDrift",
    "DriftChange",
    "DriftMonitor",
    "DriftObservation",
    "DriftState",
    "DriftWindow",
]
