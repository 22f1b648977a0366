"""The one process that owns the components of a running stack.

It starts them in the order of their needs, starts again what dies, keeps their logs bounded, and
on SIGTERM stops them in the opposite order. It belongs to no terminal. What it knows it publishes
in ``supervisor.json``; what it must not lose (which processes are its own) is in pid files, so
that its own death leaves nothing behind that cannot be found again.

Run as ``python -m aegis_streams.stack.supervisor HOME [COMPONENT ...]``.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from aegis_streams.stack.backoff import Backoff
from aegis_streams.stack.component import Component, Place, levels
from aegis_streams.stack.components import select
from aegis_streams.stack.errors import StackError
from aegis_streams.stack.keeper import Keeper
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.leftovers import SUPERVISOR
from aegis_streams.stack.logs import bound_log
from aegis_streams.stack.place import load_place
from aegis_streams.stack.processes import ProcessIdentity
from aegis_streams.stack.state import StackState

if TYPE_CHECKING:
    from collections.abc import Sequence

TICK_SECONDS: Final = 0.1
"""How often the supervisor looks at its children."""
LOG_CHECK_SECONDS: Final = 15.0
"""How often it looks at the size of the logs."""

_log: Final = logging.getLogger(__name__)


class Supervisor:
    """Keeps components alive until it is told to stop.

    Args:
        layout: Where the stack lies.
        components: What to keep alive.
        backoff: Called once per component for its waiting times.
    """

    def __init__(
        self,
        layout: Layout,
        components: Sequence[Component],
        backoff: type[Backoff] = Backoff,
    ) -> None:
        self._layout = layout
        self._levels = levels({each.name: each.needs for each in components})
        by_name = {each.name: Keeper(each, backoff()) for each in components}
        self._keepers = {name: by_name[name] for level in self._levels for name in level}
        self._me = _own_identity()
        self._started_at = time.time()
        self._stop = threading.Event()
        self._published: StackState | None = None
        self._logs_checked = 0.0

    def stop(self) -> None:
        """Make `run` stop everything and return; may be called from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Keep the components alive until `stop`, then end them, users before what they use."""
        self._me.write(self._layout.pid(SUPERVISOR))
        try:
            while not self._stop.is_set():
                self._step()
                self._stop.wait(TICK_SECONDS)
        finally:
            self._stop.set()
            self._stop_all()
            self._layout.pid(SUPERVISOR).unlink(missing_ok=True)

    def _step(self) -> None:
        for keeper in self._keepers.values():
            keeper.step(self._needs_settled(keeper))
        self._publish()
        self._bound_logs()

    def _needs_settled(self, keeper: Keeper) -> bool:
        needs = (self._keepers.get(name) for name in keeper.component.needs)
        return all(need.settled for need in needs if need is not None)

    def _stop_all(self) -> None:
        self._publish()
        for level in reversed(self._levels):
            keepers = [self._keepers[name] for name in level]
            for keeper in keepers:
                keeper.child.terminate()
            for keeper in keepers:
                keeper.stop()
            self._publish()

    def _publish(self) -> None:
        state = StackState(
            supervisor=self._me,
            started_at=self._started_at,
            stopping=self._stop.is_set(),
            components=tuple(keeper.state() for keeper in self._keepers.values()),
        )
        if state == self._published:
            return
        try:
            state.write(self._layout.state_file)
            self._published = state
        except OSError:
            _log.exception("cannot publish the state; the components are kept alive all the same")

    def _bound_logs(self) -> None:
        if time.monotonic() - self._logs_checked < LOG_CHECK_SECONDS:
            return
        self._logs_checked = time.monotonic()
        for name in (*self._keepers, SUPERVISOR):
            try:
                bound_log(self._layout.log(name))
            except OSError:
                _log.exception("cannot cut the log of %s", name)


def supervise(supervisor: Supervisor, layout: Layout) -> int:
    """Run a supervisor as the only one of its home, until SIGTERM or SIGINT.

    Returns:
        The exit code: 0 after an orderly stop, 1 if the home has a supervisor already.
    """
    with _opened(layout.lock_file) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("another supervisor owns %s", layout.home)
            return 1
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        supervisor.run()
    return 0


def main(arguments: Sequence[str]) -> int:
    """Supervise the stack of a home directory; see the module's text."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    place: Place = load_place(Layout(Path(arguments[0])))
    components = [kind(place) for kind in select(arguments[1:])]
    return supervise(Supervisor(place.layout, components), place.layout)


def _opened(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8")


def _own_identity() -> ProcessIdentity:
    found = ProcessIdentity.of(os.getpid())
    if found is None:
        raise StackError("the supervisor cannot see itself among the processes of this machine")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
