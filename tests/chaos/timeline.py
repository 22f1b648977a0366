"""What happened during a run, and when: the one clock and the one list of events."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Event(NamedTuple):
    """One thing that was done or seen.

    Attributes:
        at: Seconds since the run began.
        kind: What it was, such as "kill" or "exit".
        target: What it was done to, such as "decide-1" or "kafka"; empty for the run itself.
        detail: The rest, in words.
    """

    at: float
    kind: str
    target: str
    detail: str


class Timeline:
    """Events in the order in which they were noted; may be used by several threads.

    Args:
        clock: Seconds from any origin, never going back.
        echo: Called with each event, to show progress.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        echo: Callable[[Event], object] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._echo = echo
        self._began = clock()
        self._events: list[Event] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the seconds since the run began."""
        return self._clock() - self._began

    def note(self, kind: str, target: str = "", detail: str = "") -> Event:
        """Write an event down, now."""
        with self._lock:
            event = Event(round(self.now(), 3), kind, target, detail)
            self._events.append(event)
        self._echo(event)
        return event

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything noted so far."""
        with self._lock:
            return tuple(self._events)

    def of(self, *kinds: str) -> list[Event]:
        """Return the events of some kinds."""
        return [event for event in self.events if event.kind in kinds]
