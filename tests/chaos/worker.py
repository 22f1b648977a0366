"""One worker process under test: its signals, and what its log says about it."""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import TYPE_CHECKING, Final

import psutil

from aegis_streams.stack.processes import ProcessIdentity, spawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aegis_streams.stack.layout import Layout

_KILL_SECONDS: Final = 10.0
OWNED: Final = "partitions owned"
STOPS: Final = "worker stops"
UNDONE: Final = "batch undone"
STALLED: Final = "a record is more than 5 minutes ahead"


class WorkerLog:
    """Reads a worker's log as it grows.

    Attributes:
        owned: Partitions that it last said it works on.
        reason: Why it said that it stops; empty if it did not.
        undone: Batches that it undid, by cause.
        stalls: How often it said that it waits because of its clock.
        last: Its last lines that were no JSON: a traceback, as a rule.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.owned: tuple[int, ...] = ()
        self.reason = ""
        self.undone: Counter[str] = Counter()
        self.stalls = 0
        self.last: list[str] = []
        self._read = 0

    def update(self) -> None:
        """Take note of the whole lines written since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        whole = data.rpartition(b"\n")[0]
        if whole:
            self._read += len(whole) + 1
            for line in whole.split(b"\n"):
                self._take(line.decode(errors="replace"))

    def _take(self, line: str) -> None:
        try:
            fields = json.loads(line)
        except ValueError:
            self.last = [*self.last[-5:], line]
            return
        if not isinstance(fields, dict):
            return
        message = fields.get("message")
        if message == OWNED:
            self.owned = tuple(fields["partitions"])
        elif message == STOPS:
            self.reason = self.reason or str(fields["reason"])
        elif message == UNDONE:
            self.undone[str(fields["cause"])] += 1
        elif str(message).startswith(STALLED):
            self.stalls += 1


class WorkerProcess:
    """One process of one slot, from its start to its end.

    Args:
        command: What to run.
        name: Name of slot and attempt, such as "decide-0.3".
        layout: Where log and pid file go; the pid file lets a later run end what was left.
        environment: Variables besides the present ones.
    """

    def __init__(
        self,
        command: Sequence[str],
        name: str,
        layout: Layout,
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.frozen = False
        self.log = WorkerLog(layout.log(name))
        self._pid_file = layout.pid(name)
        self._process = spawn(command, self.log.path, environment)
        identity = ProcessIdentity.of(self._process.pid)
        if identity is not None:
            identity.write(self._pid_file)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return how the process ended, None while it lives; negative values are signals."""
        code = self._process.poll()
        if code is not None:
            self._pid_file.unlink(missing_ok=True)
            self.log.update()
        return code

    def working(self) -> bool:
        """Whether it lives, is not frozen and works on partitions."""
        if self.frozen or self.exit_code() is not None:
            return False
        self.log.update()
        return bool(self.log.owned)

    def stalls(self) -> int:
        """Return how often it has said that it waits because of its clock."""
        self.log.update()
        return self.log.stalls

    def stopped(self) -> bool:
        """Whether the kernel has it stopped, whoever did it."""
        try:
            return bool(psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED)
        except psutil.Error:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still there."""
        if self.exit_code() is None:
            self._process.send_signal(number)

    def freeze(self) -> None:
        """Stop it in its tracks."""
        self.frozen = True
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.frozen = False
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """Kill -9, and wait until the kernel has ended it."""
        self.send(signal.SIGKILL)
        self._process.wait(_KILL_SECONDS)
        self.exit_code()
