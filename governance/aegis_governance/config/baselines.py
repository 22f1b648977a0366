"""Approved baselines: what is normal for an agent or a group of agents.

A baseline may fix the risk and profit that the gates compare with (it then replaces what the
proposer claims) and, per drift feature, the histogram that the agent's window is compared with.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aegis_governance.config.rules import Number
from aegis_governance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

MINIMUM_OBSERVATIONS: Final = 30
"""A histogram of fewer observations is no baseline."""
MAXIMUM_BINS: Final = 64
"""The most bins a histogram may have."""
_DEFAULT_BINS: Final = 10
RISK_EDGES: Final = tuple(i / _DEFAULT_BINS for i in range(1, _DEFAULT_BINS))
"""Inner edges of ten bins of equal width on [0, 1]."""

_MAXIMUM_COUNT: Final = 10**12
_NAME_LENGTH: Final = 256
_RISK: Final = Number(0.0, 1.0, optional=True)
_PROFIT: Final = Number(-1e300, 1e300, optional=True)


def checked_name(where: str, value: object) -> str:
    """Return ``value`` if it is a text of 1 to 256 characters, else raise ``ConfigError``."""
    if isinstance(value, str) and 0 < len(value) <= _NAME_LENGTH:
        return value
    raise ConfigError(where, value, f"a text of 1 to {_NAME_LENGTH} characters")


@dataclass(frozen=True)
class FeatureBaseline:
    """The approved histogram of one feature; checked and normalised when it is made.

    Attributes:
        id: Name of this baseline; give a new id to new content, because a changed id empties the
            agent's window.
        edges: Inner bin edges, strictly rising. Bin ``i`` holds ``edges[i-1] <= v < edges[i]``;
            the first and last bins are open to the outside.
        counts: Observations per bin; one more than there are edges.

    Raises:
        ConfigError: A part is missing, not a number, or out of its bounds.
    """

    id: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        name = checked_name("baseline id", self.id)
        edges = _edges(f"baseline {name!r}: edges", self.edges)
        object.__setattr__(self, "edges", edges)
        counts = _counts(f"baseline {name!r}: counts", self.counts, len(edges) + 1)
        object.__setattr__(self, "counts", counts)

    @classmethod
    def from_values(
        cls, name: str, values: Sequence[float], edges: Sequence[float] | None = None
    ) -> FeatureBaseline:
        """Build the histogram of observed values.

        Args:
            name: The new baseline's id.
            values: At least 30 finite numbers.
            edges: Inner edges; when absent, the values' own deciles (equal ones merged).

        Raises:
            ConfigError: Too few values, or edges that do not rise.
        """
        chosen = tuple(edges) if edges is not None else _deciles(values)
        counts = [0] * (len(chosen) + 1)
        for value in values:
            counts[bisect_right(chosen, value)] += 1
        return cls(name, chosen, tuple(counts))


@dataclass(frozen=True)
class Baseline:
    """What is approved for one agent, or for every agent of one group.

    Attributes:
        risk_baseline: Risk to compare with, 0..1; None leaves the proposer's.
        profit_baseline: Profit to compare with; None leaves the proposer's.
        risk: Histogram of the drift feature ``risk``, or None.
        profit: Histogram of the drift feature ``profit``, or None.

    Raises:
        ConfigError: A number is out of its bounds.
    """

    risk_baseline: float | None = None
    profit_baseline: float | None = None
    risk: FeatureBaseline | None = None
    profit: FeatureBaseline | None = None

    def __post_init__(self) -> None:
        risk = _RISK.check("risk_baseline", self.risk_baseline)
        object.__setattr__(self, "risk_baseline", risk)
        profit = _PROFIT.check("profit_baseline", self.profit_baseline)
        object.__setattr__(self, "profit_baseline", profit)

    def over(self, other: Baseline) -> Baseline:
        """Return this baseline with its gaps filled from ``other``."""
        return Baseline(
            other.risk_baseline if self.risk_baseline is None else self.risk_baseline,
            other.profit_baseline if self.profit_baseline is None else self.profit_baseline,
            self.risk or other.risk,
            self.profit or other.profit,
        )


def _deciles(values: Sequence[float]) -> tuple[float, ...]:
    ordered = sorted(values)
    if not ordered:
        return ()
    picked = [ordered[len(ordered) * i // _DEFAULT_BINS] for i in range(1, _DEFAULT_BINS)]
    return tuple(sorted(set(picked)))


def _edges(where: str, value: object) -> tuple[float, ...]:
    allowed = f"1 to {MAXIMUM_BINS - 1} finite numbers, each larger than the one before"
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) < MAXIMUM_BINS:
        raise ConfigError(where, value, allowed)
    previous = -math.inf
    for edge in value:
        if isinstance(edge, bool) or not isinstance(edge, (int, float)):
            raise ConfigError(where, edge, allowed)
        if not previous < edge < math.inf:
            raise ConfigError(where, edge, allowed)
        previous = edge
    return tuple(float(edge) + 0.0 for edge in value)


def _counts(where: str, value: object, bins: int) -> tuple[int, ...]:
    allowed = f"{bins} whole numbers, one per bin, together at least {MINIMUM_OBSERVATIONS}"
    if not isinstance(value, (list, tuple)) or len(value) != bins:
        raise ConfigError(where, value, allowed)
    for count in value:
        if isinstance(count, bool) or not isinstance(count, int):
            raise ConfigError(where, count, allowed)
        if not 0 <= count <= _MAXIMUM_COUNT:
            raise ConfigError(where, count, allowed)
    if sum(value) < MINIMUM_OBSERVATIONS:
        raise ConfigError(where, value, allowed)
    return tuple(value)
