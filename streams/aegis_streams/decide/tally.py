"""Counting what a batch found, for the metrics; no leaf depends on it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from aegis_governance.vocabulary import FEATURES, GATES, GateOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_governance.drift import DriftChange, DriftObservation
    from aegis_governance.gates import GateInputs
    from aegis_streams.decide.gates import GatesFound


_NOT_JUDGED: Final = -1.0


class Tally:
    """What the gates said since `clear`, and how far agents were from their baselines.

    Attributes:
        moves: By feature and drift status, how many agents came (or, below zero, went).
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin to count from nothing."""
        self._evaluated = 0
        self._without_utility = 0
        self._failed: Counter[str] = Counter()
        self._farthest = [_NOT_JUDGED] * len(FEATURES)
        self.moves: Counter[tuple[str, str]] = Counter()

    def add(self, inputs: GateInputs, gates: GatesFound, observed: DriftObservation) -> None:
        """Count one evaluated proposal."""
        self._evaluated += 1
        if inputs.utility is None:
            self._without_utility += 1
        if gates.failing:
            self._failed.update(gates.failing)
        farthest = self._farthest
        for number, divergence in enumerate(observed.divergences):
            if divergence is not None and divergence > farthest[number]:
                farthest[number] = divergence

    def moved(self, change: DriftChange) -> None:
        """Count a change that became a leaf."""
        self.moves[change.feature, change.former.value] -= 1
        self.moves[change.feature, change.status.value] += 1

    def gates(self) -> Iterator[tuple[str, str, int]]:
        """Yield gate, outcome and how often, in gate order."""
        for gate in GATES:
            absent = self._without_utility if gate == "utility" else 0
            failed = self._failed[gate]
            yield gate, GateOutcome.PASSED.value, self._evaluated - absent - failed
            yield gate, GateOutcome.FAILED.value, failed
            yield gate, GateOutcome.NOT_EVALUATED.value, absent

    def divergences(self) -> Iterator[tuple[str, float]]:
        """Yield the features that were judged and their largest divergence in nats."""
        for feature, farthest in zip(FEATURES, self._farthest, strict=True):
            if farthest > _NOT_JUDGED:
                yield feature, farthest
