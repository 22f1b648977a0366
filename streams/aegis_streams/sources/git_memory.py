"""What is remembered of earlier changes while a history is read, within fixed bounds."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.sources.git_measures import likeness, overlap

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PATHS: Final = 100_000
"""Most paths remembered; the one not changed for longest is forgotten first."""
RECENT_CHANGES: Final = 8
"""Earlier changes remembered per path."""
TRACE_PATHS: Final = 64
"""Paths remembered per change."""
TRACE_WORDS: Final = 64
"""Words of the message remembered per change."""


class Trace(NamedTuple):
    """What is kept of a change in order to find the next one like or unlike it.

    Attributes:
        number: Position in the history, from 0.
        paths: Paths it touched, at most `TRACE_PATHS`.
        words: Words of its subject in lower case, at most `TRACE_WORDS`.
    """

    number: int
    paths: frozenset[str]
    words: frozenset[str]


@dataclass
class PathRecord:
    """The past of one path.

    Attributes:
        changes: How many changes touched it.
        fixes: How many of these were fixes.
        recent: The last `RECENT_CHANGES` of them.
    """

    changes: int = 0
    fixes: int = 0
    recent: deque[Trace] = field(default_factory=lambda: deque(maxlen=RECENT_CHANGES))


class PathMemory:
    """The past of every path, at most `MAX_PATHS` of them."""

    def __init__(self, max_paths: int = MAX_PATHS) -> None:
        self._records: OrderedDict[str, PathRecord] = OrderedDict()
        self._max_paths = max_paths

    def __len__(self) -> int:
        return len(self._records)

    def rename(self, former: str, path: str) -> None:
        """Let a path continue the past of the one it was renamed from."""
        if (record := self._records.pop(former, None)) is not None:
            self._records[path] = record

    def past(self, path: str) -> PathRecord:
        """Return what is known of a path; an empty record if nothing is."""
        return self._records.get(path) or PathRecord()

    def nearest(self, trace: Trace) -> float:
        """Return the likeness (0 to 1) of the earlier change most like this one."""
        earlier = {known for path in trace.paths for known in self.past(path).recent}
        return max((_likeness(trace, known) for known in earlier), default=0.0)

    def remember(self, paths: Iterable[str], trace: Trace, *, is_fix: bool) -> None:
        """Add a change to the past of every path it touched."""
        for path in paths:
            record = self._records.setdefault(path, PathRecord())
            record.changes += 1
            record.fixes += is_fix
            record.recent.append(trace)
            self._records.move_to_end(path)
        while len(self._records) > self._max_paths:
            self._records.popitem(last=False)


def _likeness(trace: Trace, earlier: Trace) -> float:
    return likeness(
        overlap(trace.paths, earlier.paths),
        overlap(trace.words, earlier.words),
        trace.number - earlier.number,
    )
