"""Several faults at a time without threads: each is a generator that says what it waits for.

An action yields `Until(condition, seconds)` and gets back whether the condition came true before
the seconds were over. The agenda resumes it then; nothing in it ever sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple


class Until(NamedTuple):
    """What an action waits for.

    Attributes:
        condition: Asked again and again.
        seconds: After which the action goes on regardless.
    """

    condition: Callable[[], bool]
    seconds: float


Action = Generator[Until, bool, None]


def pause(seconds: float) -> Until:
    """Wait for a time to pass."""
    return Until(lambda: False, seconds)


class _Running:
    def __init__(self, action: Action, now: float) -> None:
        self._action = action
        self._waits = next(action, None)
        self._since = now

    def advance(self, now: float) -> bool:
        """Go on if that is possible; return whether the action is over."""
        if self._waits is None:
            return True
        held = self._waits.condition()
        if held or now - self._since >= self._waits.seconds:
            self._since = now
            try:
                self._waits = self._action.send(held)
            except StopIteration:
                self._waits = None
        return self._waits is None


class Agenda:
    """The actions under way.

    Args:
        clock: Seconds since the run began.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._running: list[_Running] = []

    def begin(self, action: Action) -> None:
        """Start an action; its first steps happen now."""
        self._running.append(_Running(action, self._clock()))

    def advance(self) -> None:
        """Let every action go on whose wait is over."""
        now = self._clock()
        self._running = [each for each in self._running if not each.advance(now)]

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._running
