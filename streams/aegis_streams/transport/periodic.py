"""Does something again and again, beside everything else."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Periodic:
    """A thread of its own for one task that is repeated until it is stopped.

    A turn that raises is logged with its traceback, and the next one comes all the same: who
    watches must not fall silent over one bad turn.

    Args:
        name: Name of the thread.
        seconds: Pause before each turn.
        turn: The task.
    """

    def __init__(self, name: str, seconds: float, turn: Callable[[], None]) -> None:
        self._name = name
        self._seconds = seconds
        self._turn = turn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first turn comes after a pause."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further turn; one that is under way ends by itself."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._turn()
            except Exception:  # noqa: BLE001 - logged with its traceback, and watched on
                _log.exception("%s: a turn failed; the next one comes all the same", self._name)
