"""Rules for the parameters that are keyed by agent or group.

They are held as sorted tuples of pairs, so that a parameter set is hashable and cannot change.
Configuration files write them as mappings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aegis_governance.config.baselines import Baseline, FeatureBaseline, checked_name
from aegis_governance.config.suggest import refuse_unknown
from aegis_governance.errors import ConfigError
from aegis_governance.vocabulary import FEATURES

MAXIMUM_MEMBERS: Final = 100_000
"""The most agents, or groups, that one parameter set may name."""

_BASELINE_KEYS: Final = ("risk_baseline", "profit_baseline", *FEATURES)
_HISTOGRAM_KEYS: Final = ("id", "edges", "counts")


def _pairs(name: str, value: object, allowed: str) -> list[tuple[str, object]]:
    """The pairs of a mapping, or of a tuple of pairs: sorted by name, each name once."""
    if not isinstance(value, (Mapping, tuple)) or len(value) > MAXIMUM_MEMBERS:
        raise ConfigError(name, value, allowed)
    try:
        members = dict(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(name, value, allowed) from error
    if len(members) != len(value):
        raise ConfigError(name, value, "each name once")
    return sorted((checked_name(name, key), held) for key, held in members.items())


@dataclass(frozen=True)
class Baselines:
    """Baselines by name of agent or group."""

    @property
    def allowed(self) -> str:
        """What the rule accepts, as text."""
        return "a mapping from name to risk_baseline, profit_baseline, risk and profit"

    def check(self, name: str, value: object) -> tuple[tuple[str, Baseline], ...]:
        """Return the sorted pairs, or raise ``ConfigError``."""
        return tuple(
            (member, self._baseline(f"{name}.{member}", held))
            for member, held in _pairs(name, value, self.allowed)
        )

    def _baseline(self, where: str, value: object) -> Baseline:
        if isinstance(value, Baseline):
            return value
        if not isinstance(value, Mapping):
            raise ConfigError(where, value, "a mapping of " + ", ".join(_BASELINE_KEYS))
        refuse_unknown(value, _BASELINE_KEYS, where)
        return Baseline(
            value.get("risk_baseline"),
            value.get("profit_baseline"),
            *(_histogram(f"{where}.{feature}", value.get(feature)) for feature in FEATURES),
        )


def _histogram(where: str, value: object) -> FeatureBaseline | None:
    if value is None or isinstance(value, FeatureBaseline):
        return value
    if not isinstance(value, Mapping):
        raise ConfigError(where, value, "a mapping of " + ", ".join(_HISTOGRAM_KEYS))
    refuse_unknown(value, _HISTOGRAM_KEYS, where)
    given: dict[str, Any] = {**dict.fromkeys(_HISTOGRAM_KEYS), **value}
    return FeatureBaseline(**given)


@dataclass(frozen=True)
class Groups:
    """The group of each agent that has one."""

    @property
    def allowed(self) -> str:
        """What the rule accepts, as text."""
        return "a mapping from agent to group"

    def check(self, name: str, value: object) -> tuple[tuple[str, str], ...]:
        """Return the sorted pairs, or raise ``ConfigError``."""
        return tuple(
            (agent, checked_name(f"{name}.{agent}", group))
            for agent, group in _pairs(name, value, self.allowed)
        )


def plain(value: object) -> object:
    """Return the form in which configuration files write a parameter's value."""
    if isinstance(value, FeatureBaseline):
        return {"id": value.id, "edges": list(value.edges), "counts": list(value.counts)}
    if isinstance(value, Baseline):
        return {key: plain(getattr(value, key)) for key in _BASELINE_KEYS}
    if isinstance(value, tuple):
        return {name: plain(held) for name, held in value}
    return value
