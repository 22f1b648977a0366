"""Keeping one component alive: a small state machine that the supervisor asks to move on.

    waiting ── its needs are settled ──► starting ── ready ──► ready
       ▲                                    │ ended, too slow      │ ended
       └──────────── the wait is over ── backing off ◄─────────────┘

A task goes from starting to done when it exits with 0, and stays there.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from aegis_streams.stack.child import Child
from aegis_streams.stack.errors import StackError
from aegis_streams.stack.state import SETTLED, ComponentState, Phase

if TYPE_CHECKING:
    from aegis_streams.stack.backoff import Backoff
    from aegis_streams.stack.component import Component

_log: Final = logging.getLogger(__name__)


class Keeper:
    """One component, its process and what happened to them so far.

    Args:
        component: What to keep alive.
        backoff: Waiting times between failures.
    """

    def __init__(self, component: Component, backoff: Backoff) -> None:
        self.component = component
        self.child = Child(component)
        self.phase = Phase.WAITING
        self._backoff = backoff
        self._starts = 0
        self._started = 0.0
        self._retry_at = 0.0
        self._started_at: float | None = None
        self._ready_at: float | None = None
        self._detail = ""

    @property
    def settled(self) -> bool:
        """Whether others may rely on the component."""
        return self.phase in SETTLED

    def state(self) -> ComponentState:
        """Return what to publish."""
        return ComponentState(
            name=self.component.name,
            phase=self.phase,
            process=self.child.identity,
            starts=self._starts,
            failures=self._backoff.failures,
            started_at=self._started_at,
            ready_at=self._ready_at,
            detail=self._detail,
        )

    def step(self, needs_settled: bool) -> None:
        """Look at the process and move on; takes no longer than one readiness check."""
        if self.phase in (Phase.STARTING, Phase.READY):
            self._watch()
        elif self.phase is Phase.WAITING and needs_settled:
            self._start()
        elif self.phase is Phase.BACKING_OFF and time.monotonic() >= self._retry_at:
            self.phase = Phase.WAITING

    def _start(self) -> None:
        self._starts += 1
        self._started, self._started_at = time.monotonic(), time.time()
        try:
            self.child.start()
        except (StackError, OSError) as error:
            self._failed(str(error))
        else:
            self.phase = Phase.STARTING

    def _watch(self) -> None:
        code = self.child.exit_code()
        if code == 0 and self.component.task:
            self.phase, self._ready_at, self._detail = Phase.DONE, time.time(), ""
        elif code is not None:
            self._failed(f"ended with exit code {code}")
        elif self.phase is Phase.STARTING:
            self._await_ready()

    def _await_ready(self) -> None:
        if not self.component.task and self.component.ready():
            self.phase, self._ready_at = Phase.READY, time.time()
        elif time.monotonic() - self._started > self.component.ready_seconds:
            self.child.kill()
            self._failed(f"not ready after {self.component.ready_seconds:.0f} s")

    def _failed(self, detail: str) -> None:
        wait = self._backoff.failed(time.monotonic() - self._started)
        self._retry_at = time.monotonic() + wait
        self.phase, self._detail = Phase.BACKING_OFF, detail
        _log.warning("%s: %s; next start in %.2f s", self.component.name, detail, wait)

    def stop(self) -> None:
        """End the process, if there is one, and stay stopped."""
        self.child.stop()
        self.phase = Phase.STOPPED
