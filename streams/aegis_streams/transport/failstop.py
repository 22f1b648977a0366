"""The one way in which the driver stops its process."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from aegis_streams.transport.transaction import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aegis_streams.transport.hooks import Observer

_log = logging.getLogger(__name__)

EXIT_FAULT: Final = 70
"""Exit code after a fault; a supervisor restarts the worker, with back-off."""


class FailStop:
    """Remembers the first fault, tells everybody, and sees to it that the process ends.

    Args:
        observer: Told about the fault.
        grace: Seconds the process gets to end by itself before it is ended by force.
        end: Ends the process by force; replaced in tests.
    """

    def __init__(
        self, observer: Observer, grace: float, end: Callable[[int], object] = os._exit
    ) -> None:
        self._observer = observer
        self._grace = grace
        self._end = end
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._cause: BaseException | None = None
        self._callbacks: list[Callable[[BaseException], object]] = []

    @property
    def failed(self) -> bool:
        """Whether a fault was reported; from then on nothing may be committed."""
        return self._failed.is_set()

    @property
    def cause(self) -> BaseException | None:
        """The first fault."""
        return self._cause

    def wait(self, timeout: float) -> bool:
        """Wait for a fault; False when there was none within `timeout` seconds."""
        return self._failed.wait(timeout)

    def on_failure(self, callback: Callable[[BaseException], object]) -> None:
        """Call back once with the first fault, from the thread that reports it."""
        self._callbacks.append(callback)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Report whatever leaves the block as a fault; for the bodies of threads and callbacks."""
        try:
            yield
        except KafkaException as error:
            self.fail(fault_of(error, threading.current_thread().name))
        except BaseException as error:  # noqa: BLE001  # every failure ends the process, once
            self.fail(error)

    def fail(self, cause: BaseException, *, stacks: bool = False) -> None:
        """Report a fault. The first one counts, later ones are only logged.

        Args:
            cause: What went wrong.
            stacks: Whether to write the stacks of all threads to standard error first.
        """
        with self._lock:
            first = self._cause is None
            if first:
                self._cause = cause
        _log.critical("fail-stop: %s: %s", type(cause).__name__, cause, exc_info=cause)
        if not first:
            return
        if stacks:
            faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr, all_threads=True)
        self._failed.set()
        self._observer.fault(f"{type(cause).__name__}: {cause}")
        threading.Thread(target=self._force, name="aegis-exit", daemon=True).start()
        for callback in self._callbacks:
            callback(cause)

    def _force(self) -> None:
        threading.Event().wait(self._grace)
        _log.critical("the process did not end within %s s of the fault: ending it", self._grace)
        self._end(EXIT_FAULT)
