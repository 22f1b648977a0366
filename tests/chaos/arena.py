"""The servers of a run and everything that can be done to them.

`Arena(stack)` is the plain one, for servers that somebody else runs: they can be restarted.
`full_arena()` starts servers of its own, with a network that can be made bad, a disk that can be
full, and servers that can stay away for a while.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from aegis_streams.stack.components.connect import Connect
from aegis_streams.stack.components.kafka import Kafka
from aegis_streams.stack.jars import ensure_jars
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.local import INFRASTRUCTURE
from aegis_streams.stack.ports import HOST, Ports
from aegis_streams.stack.progress import Narrator
from chaos.disk import Disk, why_not
from chaos.proxy import FAIR, Proxy, Weather
from chaos.schedule import EXTRA_SLOT, NETWORK, ROLES, SINK, SLOTS
from chaos.sink import prepare
from support.database import HastyPostgres
from support.stack import LocalEngine, RunningStack, stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from chaos.schedule import Step

ROUTES: Final = tuple(f"{role}-{slot}" for role in ROLES for slot in (*SLOTS, EXTRA_SLOT))
"""One route to the broker per slot, so that one worker's network can be bad alone."""


READY_SECONDS: Final = 180.0
"""How long a server may take to come back; a busy machine is no finding."""


class Arena:
    """Servers under test.

    Args:
        stack: The servers.
        engine: The same as child processes of this one, if they are.
        proxy: The routes between workers and broker, if there are any.
        disk: The broker's disk, if it can be filled.
        unable: Action -> why it cannot be done here.
        sink: Settings by which a deployment finds its sink; empty without one.
    """

    def __init__(
        self,
        stack: RunningStack,
        engine: LocalEngine | None = None,
        *,
        proxy: Proxy | None = None,
        disk: Disk | None = None,
        unable: Mapping[str, str] | None = None,
        sink: Mapping[str, Any] | None = None,
    ) -> None:
        self.stack = stack
        self._engine = engine
        self._proxy = proxy
        self._disk = disk
        self.sink: Mapping[str, Any] = sink or {}
        shared = "the servers are shared with other tests"
        self._unable = dict.fromkeys((*NETWORK, "outage", "disk_full"), shared)
        if unable is not None:
            self._unable = dict(unable)

    def why_not(self, step: Step) -> str:
        """Return why a step cannot be done here; empty if it can."""
        if step.server in SINK and not self.sink:
            return "the job has no sink"
        return self._unable.get(step.action, "")

    def clear(self) -> None:
        """Remove what others left; nobody was here before on servers of the run's own."""
        if self._engine is None:
            self.stack.clear()

    def bootstrap_of(self, target: str) -> str:
        """Return the broker's address for a worker: its own route, if there are routes."""
        return self.stack.bootstrap if self._proxy is None else f"{HOST}:{self._proxy.port(target)}"

    def set_weather(self, target: str, weather: Weather = FAIR) -> None:
        """Change the network between a worker and the broker."""
        assert self._proxy is not None
        self._proxy.set(target, weather)

    def restart_broker(self, *, kill: bool = False) -> None:
        """Restart Kafka and wait until it answers."""
        self.stack.restart_broker(kill=kill)

    def end(self, server: str, *, kill: bool) -> None:
        """End a server; it stays away."""
        child = self._local.child(server)
        if kill:
            child.kill()
        else:
            child.stop()

    def start(self, server: str) -> None:
        """Start a server that has ended and wait until it does its work."""
        child = self._local.child(server)
        child.start()
        child.wait_ready()

    def freeze(self, server: str) -> None:
        """Let a server stand still."""
        self._local.freeze(server)

    def thaw(self, server: str) -> None:
        """Let a server go on and wait until it does its work."""
        self._local.resume(server)
        self._local.child(server).wait_ready()

    def ended(self, server: str) -> bool:
        """Whether a server is not there."""
        child = self._local.child(server)
        return child.exit_code() is not None or child.identity is None

    def pids(self) -> dict[str, int]:
        """Return the process of each server by name."""
        found = {name: self._local.child(name).identity for name in self._local.names}
        return {name: each.pid for name, each in found.items() if each is not None}

    @property
    def logs(self) -> Path:
        """The directory of what the servers say."""
        return self._local.place.layout.home / "logs"

    @property
    def broker_logs(self) -> Path:
        """The directory in which the broker keeps its partitions."""
        return self._local.place.layout.data("kafka") / "log"

    def fill_disk(self) -> None:
        """Make the broker's disk full."""
        assert self._disk is not None
        self._disk.fill()

    def free_disk(self) -> None:
        """Give the broker's disk its room back."""
        assert self._disk is not None
        self._disk.free()

    @property
    def _local(self) -> LocalEngine:
        assert self._engine is not None
        return self._engine


class RoutedKafka(Kafka):
    """A broker with one more listener per route; its clients are led back to their route."""

    routes: ClassVar[Mapping[str, tuple[int, int]]] = {}
    """Route -> port behind it, port in front of it."""

    def _own_lines(self) -> str:
        names = {name.upper().replace("-", "_"): ports for name, ports in self.routes.items()}
        kept: list[str] = []
        for line in super()._own_lines().splitlines():
            key, _, value = line.partition("=")
            if key == "listeners":
                value = ",".join([value, *(f"{n}://{HOST}:{b}" for n, (b, _) in names.items())])
            elif key == "advertised.listeners":
                value = ",".join([value, *(f"{n}://{HOST}:{f}" for n, (_, f) in names.items())])
            kept.append(f"{key}={value}")
        kinds = ",".join(f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *names))
        return "\n".join([*kept, f"listener.security.protocol.map={kinds}", ""])


@contextmanager
def full_arena(*, sink: bool) -> Iterator[Arena]:
    """Bring up servers to which everything can be done that this machine permits.

    Args:
        sink: Whether there are Connect and PostgreSQL too.
    """
    home = stack_directory("stack")
    behind = dict(zip(ROUTES, _free_ports(len(ROUTES)), strict=True))
    no_disk = why_not()
    with Narrator() as narrator:
        jars = ensure_jars(narrator.detail)
    try:
        with ExitStack() as held:
            disk = None if no_disk else held.enter_context(Disk(Layout(home).data("kafka")))
            proxy = held.enter_context(Proxy(behind))
            routes = {name: (port, proxy.port(name)) for name, port in behind.items()}
            patient = {"ready_seconds": READY_SECONDS}
            kafka = type("Kafka", (RoutedKafka,), {"routes": routes, **patient})
            others = [kind for kind in INFRASTRUCTURE if kind is not Kafka]
            kinds = [kafka, *(type(kind.__name__, (kind,), patient) for kind in others)]
            kinds += [HastyPostgres] if sink else []
            engine = held.enter_context(LocalEngine(home, Ports.free(), jars, kinds))
            found: Mapping[str, object] = {}
            if sink:
                held.enter_context(engine.beside((Connect,)))
                found = prepare(engine.place)
            unable = {"disk_full": no_disk} if no_disk else {}
            yield Arena(
                RunningStack(engine), engine, proxy=proxy, disk=disk, unable=unable, sink=found
            )
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    found: set[int] = set()
    while len(found) < count:
        ports = Ports.free()
        found |= {ports.kafka, ports.controller, ports.registry}
    return sorted(found)[:count]
