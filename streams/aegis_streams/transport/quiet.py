"""Logs of the Kafka clients without their repetitions."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RepeatFilter(logging.Filter):
    """Lets a client speak about one matter once in a while only.

    A client that cannot reach its broker reports each attempt, twenty times a second. The log
    records of the clients carry facility and client name as their first two arguments.

    Args:
        seconds: Shortest pause between two records of one facility and client.
        clock: Seconds, increasing.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._last: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is worth its line."""
        args = record.args
        if not isinstance(args, tuple) or record.levelno >= logging.CRITICAL:
            return True
        matter, now = (record.levelno, *args[:2]), self._clock()
        last = self._last.get(matter)
        if last is not None and now - last < self._seconds:
            return False
        self._last[matter] = now
        return True
