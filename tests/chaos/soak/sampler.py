"""What a soak looks at, again and again: processes, lag, disk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from support.processes import tree_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from support.processes import Usage


@dataclass(frozen=True)
class Sample:
    """Everything at one moment.

    Attributes:
        at: Seconds since the load began.
        inputs: Inputs delivered so far.
        processes: What each process uses with those it has started, by its name.
        lag: Records that wait, by stage.
        disk: Bytes of log segments by topic, all partitions.
    """

    at: float
    inputs: int
    processes: dict[str, Usage]
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
        processes = {name: tree_usage(pid) for name, pid in self._pids().items()}
        return Sample(round(at, 1), inputs, processes, self._lag(), self.disk())

    def disk(self) -> dict[str, int]:
        """Return the bytes of the log segments by topic."""
        found: dict[str, int] = defaultdict(int)
        for segment in self._logs.glob("*/*.log"):
            topic = segment.parent.name.rpartition("-")[0]
            if not topic.startswith("__"):
                found[topic] += segment.stat().st_size
        return dict(sorted(found.items()))
