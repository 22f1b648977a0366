"""Finding an agent's approved baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aegis_governance.config.baselines import Baseline
    from aegis_governance.config.parameters import AegisConfig


class BaselineIndex:
    """Baselines by agent: the agent's own, its gaps filled from its group's."""

    def __init__(self, config: AegisConfig) -> None:
        by_group = dict(config.group_baselines)
        found = {agent: by_group[group] for agent, group in config.groups}
        for agent, own in config.agent_baselines:
            found[agent] = own.over(found[agent]) if agent in found else own
        self._found: Final[dict[str, Baseline]] = found

    def of(self, agent_id: str) -> Baseline | None:
        """Return the approved baseline of an agent, or None."""
        return self._found.get(agent_id)
