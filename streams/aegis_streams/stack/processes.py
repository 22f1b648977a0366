"""Starting processes, and knowing one again later without ever mistaking another for it.

A process id alone is not an identity: the system gives it to a stranger once its owner has died.
So a process is remembered as its id together with the moment the kernel started it, and nothing
is signalled unless both still match.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from aegis_streams.stack.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_POLL_SECONDS: Final = 0.05
_KILL_SECONDS: Final = 10.0
"""How long the kernel may take to end a process after SIGKILL."""
_START_TICKS: Final = 19
"""Place of the start time in /proc/PID/stat, counted after the command's closing bracket."""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, for as long as the machine runs.

    Attributes:
        pid: Process id, which the system may give to another process later.
        mark: When the kernel started it; a different process with the same id has another mark.
    """

    pid: int
    mark: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Return the identity of the living process with this id, None if there is none."""
        mark = _start_mark(pid)
        return None if mark is None else cls(pid, mark)

    @classmethod
    def read(cls, path: Path) -> ProcessIdentity | None:
        """Return the identity that `write` left in a file, None if there is none to be read."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(int(found["pid"]), str(found["mark"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Remember this process in a file."""
        write_atomically(path, json.dumps(asdict(self)))

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return _start_mark(self.pid) == self.mark

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to this very process; return whether it was there to receive it."""
        return self._send(os.kill, number)

    def send_group(self, number: signal.Signals) -> bool:
        """Send a signal to the process group this very process leads."""
        return self._send(os.killpg, number)

    def stop(self, grace: float) -> bool:
        """End this process: SIGTERM, then after `grace` seconds SIGKILL to its whole group.

        Returns:
            Whether it ended by itself within the grace.
        """
        self.send(signal.SIGTERM)
        if wait_until(lambda: not self.alive(), grace):
            return True
        self.send_group(signal.SIGKILL)
        wait_until(lambda: not self.alive(), _KILL_SECONDS)
        return False

    def _send(self, how: Callable[[int, int], None], number: signal.Signals) -> bool:
        if not self.alive():
            return False
        try:
            how(self.pid, number)
        except ProcessLookupError:
            return False
        return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask `condition` again and again until it holds or the seconds are over; return the answer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def spawn(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output appended to a log file.

    The session keeps it alive when the terminal closes and away from the terminal's Ctrl-C. The
    log is opened for appending, so that it can be cut while the process writes.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 # nosec B603  # the command comes from a component
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def piped(command: Sequence[str]) -> subprocess.Popen[str]:
    """Start a process whose output, errors included, the caller reads as text."""
    return subprocess.Popen(  # noqa: S603 # nosec B603  # the command comes from this package
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _start_mark(pid: int) -> str | None:
    try:
        if not _PROC_STAT.exists():
            return _portable_mark(pid)
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = after_name.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_boot_id()}:{fields[_START_TICKS]}"


def _portable_mark(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        dead = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return None if dead else repr(process.create_time())
    except psutil.Error:
        return None


_PROC_STAT: Final = Path("/proc/self/stat")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def _boot_id() -> str:
    """Tell one run of the machine from the next: start times count from its boot."""
    return _BOOT_ID.read_text(encoding="utf-8").strip()
