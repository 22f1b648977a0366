"""What a soak looks at, again and again: processes, lag, disk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class ProcessFigures:
    """One process, or one server with all its processes, at one moment.

    Attributes:
        rss: Resident memory in bytes.
        handles: Open files and sockets.
        threads: Threads.
        cpu: CPU seconds so far.
    """

    rss: int
    handles: int
    threads: int
    cpu: float

    @classmethod
    def of(cls, pid: int) -> ProcessFigures:
        """Look at a process and its children."""
        own = psutil.Process(pid)
        all_of_it = [own, *own.children(recursive=True)]
        return cls(
            sum(each.memory_info().rss for each in all_of_it),
            sum(each.num_fds() for each in all_of_it),
            sum(each.num_threads() for each in all_of_it),
            round(sum(sum(each.cpu_times()[:2]) for each in all_of_it), 2),
        )


@dataclass(frozen=True)
class Sample:
    """Everything at one moment.

    Attributes:
        at: Seconds since the load began.
        inputs: Inputs delivered so far.
        processes: Figures by name of the process.
        lag: Records that wait, by stage.
        disk: Bytes of log segments by topic, all partitions.
    """

    at: float
    inputs: int
    processes: dict[str, ProcessFigures]
    lag: dict[str, int]
    disk: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return what the JSON report holds."""
        return asdict(self)


class Sampler:
    """Takes samples.

    Args:
        pids: Returns the processes by name.
        lag: Returns the records that wait, by stage.
        logs: Directory in which the broker keeps its partitions.
    """

    def __init__(
        self,
        pids: Callable[[], Mapping[str, int]],
        lag: Callable[[], dict[str, int]],
        logs: Path,
    ) -> None:
        self._pids = pids
        self._lag = lag
        self._logs = logs

    def sample(self, at: float, inputs: int) -> Sample:
        """Look at everything; a process that is gone is an error of the soak."""
        processes = {name: ProcessFigures.of(pid) for name, pid in self._pids().items()}
        return Sample(round(at, 1), inputs, processes, self._lag(), self.disk())

    def disk(self) -> dict[str, int]:
        """Return the bytes of the log segments by topic."""
        found: dict[str, int] = defaultdict(int)
        for segment in self._logs.glob("*/*.log"):
            topic = segment.parent.name.rpartition("-")[0]
            if not topic.startswith("__"):
                found[topic] += segment.stat().st_size
        return dict(sorted(found.items()))
