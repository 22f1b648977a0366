"""What a parameter may hold: one small rule object per kind of value.

A rule normalises a value or raises ``ConfigError`` naming the field, the value and what is allowed.
Its ``allowed`` text is also what ``schemas/interface-contract.yaml`` documents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from aegis_governance.errors import ConfigError


class Rule(Protocol):
    """Decides whether a value is allowed for a field."""

    @property
    def allowed(self) -> str:
        """What the rule accepts, as text."""

    def check(self, name: str, value: object) -> object:
        """Return the normalised value, or raise ``ConfigError``."""


@dataclass(frozen=True)
class Number:
    """A finite number within bounds; stored as float.

    Attributes:
        low: Smallest value.
        high: Largest value.
        above: Whether ``low`` itself is excluded.
        below: Whether ``high`` itself is excluded.
        optional: Whether null is allowed, meaning "off".
    """

    low: float
    high: float
    above: bool = False
    below: bool = False
    optional: bool = False

    @property
    def allowed(self) -> str:
        """What the rule accepts, as text."""
        low = f"above {self.low:g}" if self.above else f"at least {self.low:g}"
        high = f"below {self.high:g}" if self.below else f"at most {self.high:g}"
        return f"a number {low} and {high}" + (", or null for off" if self.optional else "")

    def check(self, name: str, value: object) -> float | None:
        """Return the value as float, or raise ``ConfigError``."""
        if value is None and self.optional:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(name, value, self.allowed)
        if not self._within(value):
            raise ConfigError(name, value, self.allowed)
        return float(value) + 0.0

    def _within(self, value: float) -> bool:
        above = value > self.low if self.above else value >= self.low
        below = value < self.high if self.below else value <= self.high
        return above and below and math.isfinite(value)


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    low: int
    high: int

    @property
    def allowed(self) -> str:
        """What the rule accepts, as text."""
        return f"a whole number from {self.low} to {self.high}"

    def check(self, name: str, value: object) -> int:
        """Return the value, or raise ``ConfigError``."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(name, value, self.allowed)
        if not self.low <= value <= self.high:
            raise ConfigError(name, value, self.allowed)
        return value


@dataclass(frozen=True)
class Choice:
    """One word of a closed list."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """What the rule accepts, as text."""
        return "one of " + ", ".join(self.words)

    def check(self, name: str, value: object) -> str:
        """Return the word as plain string, or raise ``ConfigError``."""
        for word in self.words:
            if value == word:
                return word
        raise ConfigError(name, value, self.allowed)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    @property
    def allowed(self) -> str:
        """What the rule accepts, as text."""
        return "true or false"

    def check(self, name: str, value: object) -> bool:
        """Return the flag, or raise ``ConfigError``."""
        if isinstance(value, bool):
            return value
        raise ConfigError(name, value, self.allowed)
