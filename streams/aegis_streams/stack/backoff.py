"""How long to wait before a component that died is started again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Backoff:
    """Waiting times that double with every failure and start over after a healthy life.

    Attributes:
        first: Wait after the first failure, in seconds.
        longest: No wait is longer, in seconds.
        healthy: A process that lived this many seconds forgives the failures before it.
        failures: Failures in a row.
    """

    first: float = 0.25
    longest: float = 30.0
    healthy: float = 60.0
    failures: int = 0

    def failed(self, lived: float) -> float:
        """Count a failure after a life of `lived` seconds; return how long to wait now."""
        self.failures = 1 if lived >= self.healthy else self.failures + 1
        return min(self.longest, self.first * 2.0 ** min(self.failures - 1, 30))
