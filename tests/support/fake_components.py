"""Components of a few lines each, under a real supervisor in a process of its own.

``python -m support.fake_components HOME NAME...`` runs them as ``aegis up`` runs the real ones.
Each writes what happens to it into ``HOME/events.txt``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from aegis_streams.stack.component import Component, Place
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.ports import Ports
from aegis_streams.stack.processes import spawn
from aegis_streams.stack.supervisor import Supervisor, supervise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TESTS: Final = Path(__file__).resolve().parent.parent

_PRELUDE: Final = """
import os, pathlib, signal, subprocess, sys, time
home, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def tell(event):
    with (home / "events.txt").open("a") as file:
        file.write(f"{time.monotonic()} {name} {event} {os.getpid()}\\n")
def leave(*_):
    tell("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
tell("started")
"""
_STAY: Final = "(home / f'{name}.ready').touch()\nwhile True: time.sleep(60)\n"


class Fake(Component):
    """A Python process; ready once it has made a file."""

    script: ClassVar[str] = _STAY

    def prepare(self) -> None:
        self._mark().unlink(missing_ok=True)

    def command(self) -> Sequence[str]:
        arguments = (str(self.place.layout.home), self.name)
        return [sys.executable, "-S", "-c", _PRELUDE + self.script, *arguments]

    def ready(self) -> bool:
        return self._mark().exists()

    def _mark(self) -> Path:
        return self.place.layout.home / f"{self.name}.ready"


class Server(Fake):
    """What the others need."""

    name: ClassVar[str] = "server"


class Setup(Fake):
    """A task that ends well."""

    name: ClassVar[str] = "setup"
    needs: ClassVar[tuple[str, ...]] = ("server",)
    task: ClassVar[bool] = True
    script: ClassVar[str] = "tell('finished')\n"


class Client(Fake):
    """Needs the task, and has a child of its own."""

    name: ClassVar[str] = "client"
    needs: ClassVar[tuple[str, ...]] = ("setup",)
    script: ClassVar[str] = (
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'])\n"
        "(home / 'grandchild.pid').write_text(str(child.pid))\n" + _STAY
    )


class Flapper(Fake):
    """Ends as soon as it has begun."""

    name: ClassVar[str] = "flapper"
    script: ClassVar[str] = "print('no luck', flush=True)\nsys.exit(3)\n"


class Stubborn(Fake):
    """Does not listen to SIGTERM, and neither does its child."""

    name: ClassVar[str] = "stubborn"
    stop_seconds: ClassVar[float] = 0.5
    script: ClassVar[str] = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + Client.script


class Slow(Fake):
    """Is never ready."""

    name: ClassVar[str] = "slow"
    ready_seconds: ClassVar[float] = 0.6
    script: ClassVar[str] = "while True: time.sleep(60)\n"


FAKES: Final[Mapping[str, type[Fake]]] = {
    kind.name: kind for kind in (Server, Setup, Client, Flapper, Stubborn, Slow)
}


def launch(layout: Layout, *names: str) -> int:
    """Start a supervisor over the named fakes; return its process id."""
    command = [sys.executable, "-m", "support.fake_components", str(layout.home), *names]
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    return spawn(command, layout.log("supervisor"), {"PYTHONPATH": path}).pid


def main(home: str, *names: str) -> int:
    """Supervise the named fakes."""
    place = Place(Layout(Path(home)), Ports(), Path())
    components = [FAKES[name](place) for name in names]
    return supervise(Supervisor(place.layout, components), place.layout)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
