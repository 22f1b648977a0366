"""The states of one partition, and a cell that holds one of them for several threads."""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Final

from aegis_streams.transport.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class LaneState(Enum):
    """What a partition is doing."""

    ACQUIRING = "acquiring"
    """Fencing the former owner, restoring state; nothing is delivered, nothing is open."""
    IDLE = "idle"
    """Owned, no transaction open."""
    DELIVERING = "delivering"
    """A transaction is open, the agent has the batch."""
    COMMITTING = "committing"
    """The agent is through; changelog, offsets and commit, or the abort, are under way."""
    SETTLED = "settled"
    """Given up in good order: nothing is open, nothing will be committed. Final."""
    FAILED = "failed"
    """The process is stopping; what is open will never be committed by it. Final."""


TRANSITIONS: Final[Mapping[LaneState, frozenset[LaneState]]] = {
    LaneState.ACQUIRING: frozenset({LaneState.IDLE, LaneState.SETTLED, LaneState.FAILED}),
    LaneState.IDLE: frozenset({LaneState.DELIVERING, LaneState.SETTLED, LaneState.FAILED}),
    LaneState.DELIVERING: frozenset({LaneState.COMMITTING, LaneState.FAILED}),
    LaneState.COMMITTING: frozenset({LaneState.IDLE, LaneState.FAILED}),
    LaneState.SETTLED: frozenset(),
    LaneState.FAILED: frozenset(),
}
"""Every allowed change of state."""

HOLDS_TRANSACTION: Final = frozenset({LaneState.DELIVERING, LaneState.COMMITTING})
"""States in which a rebalance has to wait for the partition."""


class IllegalTransitionError(TransportError):
    """A change of state that the table does not allow: a defect of the driver."""


class StateCell:
    """Holds a state; threads move it and wait for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._condition = threading.Condition(threading.RLock())
        self._state = LaneState.ACQUIRING
        self._since = clock()

    @property
    def value(self) -> LaneState:
        """Current state."""
        return self._state

    @property
    def since(self) -> float:
        """Clock time of the last change."""
        return self._since

    def move(self, target: LaneState) -> None:
        """Change the state.

        Raises:
            IllegalTransitionError: The table does not allow this change.
        """
        with self._condition:
            if target not in TRANSITIONS[self._state]:
                raise IllegalTransitionError(f"{self._state.value} -> {target.value}")
            self._state = target
            self._since = self._clock()
            self._condition.notify_all()

    def finish(self, target: LaneState) -> None:
        """Change to a final state, unless a final state was reached before."""
        with self._condition:
            if TRANSITIONS[self._state]:
                self.move(target)

    def wait_until(self, accepted: Callable[[LaneState], bool], timeout: float) -> bool:
        """Wait until `accepted` holds for the state; False when `timeout` seconds ran out."""
        with self._condition:
            return self._condition.wait_for(lambda: accepted(self._state), timeout)
