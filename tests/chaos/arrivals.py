"""When records became visible, per topic and partition, and what follows from it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import NamedTuple


class Gap(NamedTuple):
    """Nothing became visible for a while.

    Attributes:
        began: Seconds since the run began, at the last record before.
        seconds: How long it lasted.
    """

    began: float
    seconds: float


class Arrivals:
    """Times of arrival, in seconds since the run began.

    Args:
        partitions: Number of partitions of every topic.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = range(partitions)
        self._times: dict[tuple[str, int], list[float]] = defaultdict(list)

    def note(self, topic: str, partition: int, at: float) -> None:
        """Note a record; times never go back."""
        self._times[topic, partition].append(at)

    def seen(self, topic: str) -> bool:
        """Whether anything has arrived."""
        return any(self._times[topic, partition] for partition in self._partitions)

    def gaps(self, topic: str, longer: float, since: float) -> dict[int, list[Gap]]:
        """Return per partition the silences of `longer` seconds or more, from `since` on."""
        return {
            partition: [
                Gap(round(before, 2), round(after - before, 2))
                for before, after in pairwise(self._times[topic, partition])
                if before >= since and after - before >= longer
            ]
            for partition in self._partitions
        }

    def recovery(self, topic: str, at: float) -> float | None:
        """Return how long after `at` every partition had shown a record; None if one did not."""
        firsts = []
        for partition in self._partitions:
            times = self._times[topic, partition]
            place = bisect_right(times, at)
            if place == len(times):
                return None
            firsts.append(times[place])
        return round(max(firsts) - at, 2)
