"""Rates of a process that works off a backlog: per second, and per second of its CPU."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import psutil
from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Answer = TypeVar("Answer")

_TICK: Final = 0.05
_ANSWER_SECONDS: Final = 10.0
_QUIET_SECONDS: Final = 60.0
FROM, UNTIL = 0.15, 0.95
"""The part of a backlog that counts: after the start, and before the work runs out."""


class Rate(NamedTuple):
    """What was done between two moments.

    Attributes:
        records: Records finished (committed).
        seconds: Time that passed.
        cpu_seconds: CPU time of the process with all its threads, the Kafka client's included.
    """

    records: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Records per second of time."""
        return self.records / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Records per second of CPU."""
        return self.records / self.cpu_seconds


class _Sample(NamedTuple):
    at: float
    cpu: float
    done: int


class Offsets:
    """Follows the committed offsets of a group on one topic."""

    def __init__(self, bootstrap: str, group: str, topic: str, partitions: int) -> None:
        self._where = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                # Offsets of an open transaction are not waited for.
                "isolation.level": "read_uncommitted",
            }
        )

    def committed(self) -> int:
        """Return the sum of the group's offsets."""
        found = _patiently(lambda: self._consumer.committed(self._where, timeout=_ANSWER_SECONDS))
        return sum(max(0, each.offset) for each in found)

    def end(self) -> int:
        """Return the sum of the topic's end offsets."""
        return _patiently(
            lambda: sum(self._consumer.get_watermark_offsets(each)[1] for each in self._where)
        )

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask again for some seconds: a topic just made, or its coordinator, may not answer at once."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(_TICK)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, user and system."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def follow(
    pids: Sequence[int], done: Callable[[], int], first: int, last: int, warm_up: float = FROM
) -> list[Rate]:
    """Measure processes while `done` goes from `first` to `last`, but for a share of warm-up.

    Returns:
        A rate per process, over the same records.

    Raises:
        AssertionError: Nothing moves any more.
    """
    begin = first + round((last - first) * warm_up)
    end = first + round((last - first) * UNTIL)
    starts: list[_Sample] = []
    latest: list[_Sample] = []
    moved, before = time.monotonic(), first
    while True:
        count = done()
        now = time.monotonic()
        gone = [pid for pid in pids if not _runs(pid)]
        if gone:
            raise AssertionError(f"process {gone[0]} ended at {count} of {last}; see its log")
        if count != before or not latest:
            samples = [_Sample(now, cpu_seconds(pid), count) for pid in pids]
            if latest and count >= end:
                # All that counts may be done in one commit: then from the one before.
                return [
                    Rate(b.done - a.done, b.at - a.at, b.cpu - a.cpu)
                    for a, b in zip(starts or latest, samples, strict=True)
                ]
            if count >= begin and not starts:
                starts = samples
            latest = samples
            moved, before = now, count
        if now - moved > _QUIET_SECONDS:
            raise AssertionError(f"{count} of {last}, then nothing for {_QUIET_SECONDS:.0f} s")
        time.sleep(_TICK)


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def summary(rates: Sequence[Rate]) -> dict[str, Any]:
    """Return the median and all rounds of a rate."""
    return {
        "records_each": rates[0].records,
        "per_second": round(median(rate.per_second for rate in rates)),
        "per_cpu_second": round(median(rate.per_cpu_second for rate in rates)),
        "all_per_second": [round(rate.per_second) for rate in rates],
        "all_per_cpu_second": [round(rate.per_cpu_second) for rate in rates],
        "cores_used": round(median(rate.cpu_seconds / rate.seconds for rate in rates), 2),
    }


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
