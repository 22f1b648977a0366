"""The process of one component: started, watched and ended by whoever holds this object."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Final

from aegis_streams.stack.errors import ComponentError
from aegis_streams.stack.files import end_of_log
from aegis_streams.stack.processes import ProcessIdentity, spawn, wait_until

if TYPE_CHECKING:
    from aegis_streams.stack.component import Component

_KILL_SECONDS: Final = 10.0


class Child:
    """A component together with its process, if it has one at the moment.

    Args:
        component: What to run.
    """

    def __init__(self, component: Component) -> None:
        self.component = component
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: ProcessIdentity | None = None

    @property
    def name(self) -> str:
        """Name of the component."""
        return self.component.name

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process, None before the first start and after the end was seen."""
        return self._identity

    def start(self) -> None:
        """Prepare the component and start its process; the process is written down at once.

        Raises:
            StackError: It cannot be prepared.
            OSError: Its program cannot be started.
        """
        layout = self.component.place.layout
        self.component.prepare()
        self._process = spawn(
            self.component.command(),
            layout.log(self.name),
            self.component.environment(),
        )
        self._identity = ProcessIdentity.of(self._process.pid)
        if self._identity is not None:
            self._identity.write(layout.pid(self.name))

    def exit_code(self) -> int | None:
        """Return how the process ended, None while it runs or before it was ever started.

        Negative values are signals, as in `subprocess`.
        """
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None:
            self._forget()
        return code

    def wait_ready(self) -> None:
        """Wait until the component does its work.

        Raises:
            ComponentError: It ended or was not ready in time; carries the end of its log.
        """
        seconds = self.component.ready_seconds
        settled = wait_until(
            lambda: self.exit_code() is not None or self.component.ready(), seconds
        )
        code = self.exit_code()
        if code is not None:
            raise ComponentError(f"{self.name} ended with exit code {code}.{self.log_tail()}")
        if not settled:
            raise ComponentError(
                f"{self.name} is not ready after {seconds:.0f} s.{self.log_tail()}"
            )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self._identity is not None and self.exit_code() is None:
            self._identity.send(number)

    def terminate(self) -> None:
        """Ask the process to end; `stop` waits for it."""
        self.send(self.component.stop_signal)

    def stop(self) -> None:
        """End the process: its signal, after the component's grace SIGKILL to its whole group."""
        if self._process is None or self._identity is None:
            return
        self.terminate()
        try:
            self._process.wait(self.component.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """End the process and its group at once, as a crash would."""
        if self._process is None or self._identity is None:
            return
        if self.exit_code() is None:
            self._identity.send_group(signal.SIGKILL)
            self._process.wait(_KILL_SECONDS)
        self._forget()

    def log_tail(self) -> str:
        """Return the end of the log, ready to follow a sentence; empty without a log."""
        return end_of_log(self.component.place.layout.log(self.name))

    def _forget(self) -> None:
        if self._identity is not None:
            self.component.place.layout.pid(self.name).unlink(missing_ok=True)
            self._identity = None
