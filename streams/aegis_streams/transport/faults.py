"""Faults on purpose, for the crash tests: kill or freeze the process around a commit."""

from __future__ import annotations

import itertools
import os
import signal
from dataclasses import dataclass, field
from enum import StrEnum

from aegis_streams.transport.errors import TransportConfigError


class FaultPoint(StrEnum):
    """Where in a batch the process is hit."""

    BEFORE = "before"
    """Everything is produced, the offsets are not yet in the transaction."""
    BETWEEN = "between"
    """The offsets are in the transaction, it is not yet committed."""
    AFTER = "after"
    """The transaction is committed, the worker does not know it yet."""


class FaultAction(StrEnum):
    """What happens to the process."""

    KILL = "kill"
    STOP = "stop"


_SIGNALS = {FaultAction.KILL: signal.SIGKILL, FaultAction.STOP: signal.SIGSTOP}


@dataclass(frozen=True)
class Fault:
    """One fault: the first time that `point` is reached from the `batch`-th attempt on (from 1).

    An attempt that is aborted before the point does not use the fault up.
    """

    point: FaultPoint
    action: FaultAction
    batch: int


@dataclass(frozen=True)
class FaultPlan:
    """The faults of one process; empty (the default) does nothing."""

    faults: tuple[Fault, ...] = ()
    _batches: itertools.count[int] = field(
        default_factory=lambda: itertools.count(1), compare=False, repr=False
    )
    _done: set[Fault] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> FaultPlan:
        """Read ``point:action:batch[,...]``, such as ``between:kill:7,after:stop:12``.

        Raises:
            TransportConfigError: The text does not have that form.
        """
        return cls(tuple(_fault(part) for part in text.split(",") if part.strip()))

    def next_batch(self) -> int:
        """Count one more batch and return its number."""
        return next(self._batches)

    def at(self, point: FaultPoint, batch: int) -> None:
        """Hit the process here if the plan says so; a frozen process goes on when continued."""
        for fault in self.faults:
            if fault.point is point and fault.batch <= batch and fault not in self._done:
                self._done.add(fault)
                os.kill(os.getpid(), _SIGNALS[fault.action])


def _fault(text: str) -> Fault:
    try:
        point, action, batch = text.strip().split(":")
        return Fault(FaultPoint(point), FaultAction(action), int(batch))
    except ValueError as error:
        raise TransportConfigError(
            f"fault {text!r}: use before|between|after:kill|stop:BATCH, such as between:kill:7"
        ) from error
