"""The parameter set of a run: baselines for some agents, so that drift changes while it lasts."""

from __future__ import annotations

from aegis_governance.config import AegisConfig
from chaos.mixture import DRIFTING


def parameters() -> AegisConfig:
    """Return the documented defaults with approved baselines and short windows."""
    low = [30, 40, 20, 6, 2, 1, 1, 0, 0, 0]
    histogram = {"id": "chaos-1", "edges": [number / 10 for number in range(1, 10)], "counts": low}
    return AegisConfig.from_dict(
        {
            "drift_window": 40,
            "drift_minimum": 20,
            "agent_baselines": {agent: {"risk": histogram} for agent in DRIFTING},
        }
    )
