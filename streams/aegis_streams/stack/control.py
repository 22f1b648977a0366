"""Starting and stopping the stack from outside: what ``aegis up`` and ``aegis down`` do."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aegis_streams.settings import Settings
from aegis_streams.stack.addresses import environment_of
from aegis_streams.stack.component import Place, levels
from aegis_streams.stack.components import COMPONENTS, select
from aegis_streams.stack.components.postgres import Postgres
from aegis_streams.stack.errors import ComponentError, StackError
from aegis_streams.stack.files import end_of_log
from aegis_streams.stack.jars import ensure_jars
from aegis_streams.stack.keys import ensure_keys
from aegis_streams.stack.layout import WIPED
from aegis_streams.stack.leftovers import SUPERVISOR, stop_leftovers
from aegis_streams.stack.place import load_place, save_place
from aegis_streams.stack.ports import ENVIRONMENT, Ports
from aegis_streams.stack.postgresql import ensure_programs
from aegis_streams.stack.processes import ProcessIdentity, spawn, wait_until
from aegis_streams.stack.state import SETTLED, Phase, StackState
from aegis_streams.stack.tools import java

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence

    from aegis_streams.stack.component import Component
    from aegis_streams.stack.layout import Layout
    from aegis_streams.stack.progress import Narrator

LAUNCH_SECONDS: Final = 20.0
"""How long the supervisor may take until it has begun."""
UP_SECONDS: Final = 240.0
"""How long all components together may take to become ready."""
DOWN_MARGIN_SECONDS: Final = 15.0
"""What the supervisor gets beyond the grace of its components before it is killed."""
GIVE_UP_FAILURES: Final = 3
"""A component that failed this often in a row before it was ever ready ends the waiting."""
_POLL_SECONDS: Final = 0.1
_BUSY: Final = (Phase.STARTING, Phase.BACKING_OFF)


def bring_up(
    layout: Layout, environ: Mapping[str, str], only: Sequence[str], narrator: Narrator
) -> StackState:
    """Start the stack of a home directory unless it runs, and wait until it is ready.

    1. fetch the Java packages  2. end what a dead supervisor left  3. check the ports
    4. make keys and trust file  5. launch the supervisor  6. wait for each component

    Args:
        layout: The stack.
        environ: Environment variables that choose ports and names.
        only: Names of components to run, with what they need; empty for all.
        narrator: Told what happens.

    Raises:
        StackError: A tool is missing, a port busy, a component does not become ready.
    """
    with _one_at_a_time(layout, narrator):
        supervisor = running_supervisor(layout)
        if supervisor is None:
            supervisor = _launch(layout, environ, select(only), narrator)
        else:
            _check_same_ports(layout, environ)
    return _wait_ready(layout, supervisor, narrator)


def take_down(layout: Layout, narrator: Narrator) -> bool:
    """Stop everything that runs in a home directory, the supervisor dead or alive.

    Returns:
        Whether anything ran.
    """
    supervisor = running_supervisor(layout)
    if supervisor is not None:
        narrator.detail("stopping the stack")
        supervisor.send(signal.SIGTERM)
        grace = sum(kind.stop_seconds for kind in COMPONENTS.values()) + DOWN_MARGIN_SECONDS
        if not wait_until(lambda: _gone(layout, supervisor, narrator), grace):
            narrator.step(f"the supervisor did not stop within {grace:.0f} s; killing it")
            supervisor.send(signal.SIGKILL)
            wait_until(lambda: not supervisor.alive(), LAUNCH_SECONDS)
    left = stop_leftovers(layout, _stop_order(), narrator.step)
    return supervisor is not None or left > 0


def wipe(layout: Layout) -> None:
    """Remove all data of a stack that does not run; packages and other files stay.

    Raises:
        StackError: Something cannot be removed.
    """
    try:
        for path in (layout.home / name for name in WIPED):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StackError(f"not all data could be removed: {error}") from error


def running_supervisor(layout: Layout) -> ProcessIdentity | None:
    """Return the living supervisor of a home directory, None if there is none."""
    found = ProcessIdentity.read(layout.pid(SUPERVISOR))
    return found if found is not None and found.alive() else None


def _launch(
    layout: Layout,
    environ: Mapping[str, str],
    kinds: Sequence[type[Component]],
    narrator: Narrator,
) -> ProcessIdentity:
    java()
    ports = Ports.load(environ)
    place = Place(layout, ports, ensure_jars(narrator.detail))
    if Postgres in kinds:
        ensure_programs(narrator.detail)
    stop_leftovers(layout, _stop_order(), narrator.step)
    ports.check_free([port for kind in kinds for port in kind.ports])
    if ensure_keys(Settings.load({**environ, **environment_of(layout.home, ports)})):
        narrator.step("made signing keys and the trust file")
    save_place(place)
    process = spawn(
        [sys.executable, "-m", "aegis_streams.stack.supervisor", str(layout.home)]
        + [kind.name for kind in kinds],
        layout.log(SUPERVISOR),
        {},
    )
    wait_until(
        lambda: process.poll() is not None or running_supervisor(layout) is not None,
        LAUNCH_SECONDS,
    )
    return _launched(layout, process)


def _launched(layout: Layout, process: subprocess.Popen[bytes]) -> ProcessIdentity:
    supervisor = running_supervisor(layout)
    if supervisor is None:
        process.kill()
        raise StackError("the supervisor did not start." + end_of_log(layout.log(SUPERVISOR)))
    return supervisor


def _wait_ready(layout: Layout, supervisor: ProcessIdentity, narrator: Narrator) -> StackState:
    deadline = time.monotonic() + UP_SECONDS
    told: set[str] = set()
    waited = False
    while True:
        state = StackState.read(layout.state_file)
        if not supervisor.alive():
            raise StackError("the supervisor has ended." + end_of_log(layout.log(SUPERVISOR)))
        if state is not None and state.supervisor == supervisor:
            if state.settled and not waited:
                return state
            waited = True
            _narrate(state, told, narrator)
            _check_progress(layout, state)
            if state.settled:
                return state
        if time.monotonic() >= deadline:
            raise StackError(
                f"the stack is not ready after {UP_SECONDS:.0f} s; `aegis status` says what is "
                f"missing, the logs are in {layout.log(SUPERVISOR).parent}"
            )
        time.sleep(_POLL_SECONDS)


def _check_progress(layout: Layout, state: StackState) -> None:
    if state.stopping:
        raise StackError("the stack is being stopped by another command")
    for each in state.components:
        if each.ready_at is None and each.failures >= GIVE_UP_FAILURES:
            raise ComponentError(
                f"{each.name} failed {each.failures} times: {each.detail}. The rest keeps running, "
                "and it is tried again; `aegis down` stops everything."
                + end_of_log(layout.log(each.name))
            )


def _narrate(state: StackState, told: set[str], narrator: Narrator) -> None:
    for each in state.components:
        if each.phase in SETTLED and each.name not in told and each.started_at and each.ready_at:
            took = each.ready_at - each.started_at
            narrator.step(f"{each.name} {each.phase} after {took:.1f} s")
            told.add(each.name)
    busy = [each.name for each in state.components if each.phase in _BUSY]
    if busy:
        narrator.detail(f"starting {', '.join(busy)}")


def _gone(layout: Layout, supervisor: ProcessIdentity, narrator: Narrator) -> bool:
    if not supervisor.alive():
        return True
    state = StackState.read(layout.state_file)
    if state is not None:
        left = [each.name for each in state.components if each.process is not None]
        narrator.detail(f"stopping {', '.join(reversed(left)) or 'the supervisor'}")
    return False


def _check_same_ports(layout: Layout, environ: Mapping[str, str]) -> None:
    present = load_place(layout).ports
    for key, wanted in Ports.chosen(environ).items():
        port = getattr(present, key)
        if port != wanted:
            raise StackError(
                f"the stack runs already, with {ENVIRONMENT[key]}={port}; to move it to {wanted}, "
                "stop it first: `aegis down`"
            )


def _stop_order() -> list[str]:
    ordered = levels({name: kind.needs for name, kind in COMPONENTS.items()})
    return [name for level in reversed(ordered) for name in level]


@contextmanager
def _one_at_a_time(layout: Layout, narrator: Narrator) -> Iterator[None]:
    layout.run.mkdir(parents=True, exist_ok=True)
    with (layout.run / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            narrator.detail("waiting for another `aegis up`")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
