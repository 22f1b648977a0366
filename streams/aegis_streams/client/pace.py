"""Doing something so many times a second, without bursts after a pause."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CATCH_UP: Final = 1.0
"""Seconds of delay that are caught up; what was lost beyond stays lost."""


class Pace:
    """Lets `next` return at most `rate` times a second.

    Args:
        rate: Times a second, above 0; None for no limit.
        clock: Seconds that never go back.
        sleep: Waits for so many seconds, or less.
    """

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if rate is not None and not rate > 0:
            raise ValueError(f"rate {rate}: must be above 0 per second")
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def next(self) -> None:
        """Wait until the next turn."""
        if not self._interval:
            return
        now = self._clock()
        self._due = max(self._due, now - MAX_CATCH_UP)
        while now < self._due:
            self._sleep(self._due - now)
            now = self._clock()
        self._due += self._interval
