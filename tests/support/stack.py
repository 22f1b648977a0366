"""A real Kafka and a real registry for the tests: from containers, else from Maven packages.

The session fixture `stack` (see tests/conftest.py) gives one `RunningStack` to the whole run.
Tests that need names of their own take `stack.topic(...)`; tests of whole deployments, whose
topics have fixed names, call `stack.clear()` first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from aegis_streams.kafka.connection import connection
from aegis_streams.settings import Settings
from aegis_streams.stack.jars import ensure_jars
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.leftovers import stop_leftovers
from aegis_streams.stack.local import LocalStack
from aegis_streams.stack.ports import Ports
from aegis_streams.stack.processes import ProcessIdentity, wait_until
from aegis_streams.stack.progress import Narrator
from support.containers import ContainerStack, engine_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aegis_streams.stack.component import Component

_ANSWER_SECONDS: Final = 30.0
_MAKE: Final = 60.0
_QUIET: Final = 2.0
_OWNER: Final = "owner.json"


class Engine(Protocol):
    """Whatever runs the two servers, "kafka" and "registry"."""

    @property
    def bootstrap(self) -> str:
        """Kafka bootstrap servers."""

    @property
    def registry_url(self) -> str:
        """The registry in Confluent's API."""

    def restart(self, name: str, *, kill: bool = False) -> None:
        """End a server, in order or as a crash would, and start it again until it is ready."""

    def freeze(self, name: str) -> None:
        """Stop a server in its tracks: connections stay open and nothing answers."""

    def resume(self, name: str) -> None:
        """Let a frozen server run on."""


class LocalEngine(LocalStack):
    """The servers as child processes."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the servers."""
        return tuple(self._children)

    @contextmanager
    def beside(self, kinds: Sequence[type[Component]]) -> Iterator[None]:
        """Run further servers, which need these, for the length of a block."""
        more = LocalStack(self.place.layout.home, self.place.ports, self.place.jars, kinds)
        with more:
            self._children |= more._children
            yield

    def freeze(self, name: str) -> None:
        """Send SIGSTOP."""
        self.child(name).send(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Send SIGCONT."""
        self.child(name).send(signal.SIGCONT)


class RunningStack:
    """What a test holds: addresses, faults, and topics of its own.

    Args:
        engine: What runs the servers.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bootstrap = engine.bootstrap
        self.registry_url = engine.registry_url
        self._admins: list[AdminClient] = []
        self._disturbed: float | None = None
        self.admin = self._fresh_admin()

    def settings(self, home: Path, **environ: str) -> Settings:
        """Return the settings of a deployment on this stack.

        Args:
            home: Directory for keys, trust file and guard.
            environ: Further environment variables (``AEGIS_PARTITIONS="2"``).
        """
        addresses = {
            "AEGIS_HOME": str(home),
            "AEGIS_BOOTSTRAP": self.bootstrap,
            "AEGIS_REGISTRY_URL": self.registry_url,
            "AEGIS_LOCAL": "true",
            "AEGIS_REPLICATION": "1",
            "AEGIS_DECIDE_METRICS_PORT": "0",
            "AEGIS_SEAL_METRICS_PORT": "0",
        }
        return Settings.load({**addresses, **environ})

    def restart_broker(self, *, kill: bool = False) -> None:
        """Restart Kafka, after SIGTERM or after SIGKILL, and wait until it answers."""
        self.engine.restart("kafka", kill=kill)
        self._disturbed = time.monotonic()
        self.admin = self._fresh_admin()

    def restart_registry(self, *, kill: bool = False) -> None:
        """Restart the registry, after SIGTERM or after SIGKILL, and wait until it answers."""
        self.engine.restart("registry", kill=kill)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Hold "kafka" or "registry" still for the length of a block."""
        self.engine.freeze(name)
        try:
            yield
        finally:
            self.engine.resume(name)
            if name == "kafka":
                self._disturbed = time.monotonic()
                self.admin = self._fresh_admin()

    def topic(self, hint: str = "test", partitions: int = 4, **config: str) -> str:
        """Make a topic under a name that no other test has.

        Args:
            hint: Beginning of the name.
            partitions: Number of partitions.
            config: Topic settings, ``_`` for ``.`` (``cleanup_policy="compact"``).
        """
        name = unique(hint)
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self.make([NewTopic(name, partitions, 1, config=settings)])
        return name

    def make(self, topics: Sequence[NewTopic]) -> None:
        """Make topics, on a broker that has recovered from what a test did to it."""
        self._settle()
        names = {topic.topic for topic in topics}
        if not wait_until(lambda: self._made(topics) or names <= {*self.own_topics()}, _MAKE):
            raise AssertionError(f"topics could not be made: {names}")

    def _made(self, topics: Sequence[NewTopic]) -> bool:
        made = self.admin.create_topics([*topics], request_timeout=_ANSWER_SECONDS)
        try:
            for future in made.values():
                future.result(_ANSWER_SECONDS)
        except (KafkaException, TimeoutError):
            return False
        return True

    def clear(self) -> None:
        """Remove all topics and consumer groups, so that the next deployment begins at genesis."""
        self._settle()
        self.admin = self._fresh_admin()
        groups = [
            group.group_id
            for group in self.admin.list_consumer_groups().result(_ANSWER_SECONDS).valid
        ]
        if groups:
            for done in self.admin.delete_consumer_groups(groups).values():
                with contextlib.suppress(KafkaException):
                    done.result(_ANSWER_SECONDS)
        topics = self.own_topics()
        if topics:
            for done in self.admin.delete_topics(topics).values():
                done.result(_ANSWER_SECONDS)
        if not wait_until(lambda: not self.own_topics(), _ANSWER_SECONDS):
            raise AssertionError(f"topics survive their removal: {self.own_topics()}")

    def _fresh_admin(self) -> AdminClient:
        """Make an admin client: one that saw its broker die may wait for it for ever.

        Those before are kept, for a client that is gone breaks the futures it gave out.
        """
        self._admins.append(AdminClient({**connection(self.bootstrap), "log_level": 0}))
        return self._admins[-1]

    def _settle(self) -> None:
        """Wait for a broker that was disturbed; what that leads to takes a moment to begin."""
        if not wait_until(self._is_settled, _MAKE):
            raise AssertionError("Kafka does not come to rest")

    def _is_settled(self) -> bool:
        if self._disturbed is not None:
            if time.monotonic() < self._disturbed + _QUIET or not self._coordinates():
                return False
            self._disturbed = None
        return True

    def _coordinates(self) -> bool:
        """Return whether the broker knows the offsets of all groups again."""
        try:
            found = self.admin.list_consumer_groups(request_timeout=5).result(_ANSWER_SECONDS)
        except KafkaException:
            return False
        return not found.errors

    def own_topics(self) -> list[str]:
        """Return the names of all topics that are not Kafka's own."""
        found = self.admin.list_topics(timeout=_ANSWER_SECONDS).topics
        return sorted(name for name in found if not name.startswith("__"))


def unique(hint: str) -> str:
    """Return a name that no other test has."""
    return f"{hint}-{uuid.uuid4().hex[:12]}"


def stack_directory(name: str) -> Path:
    """Return a new directory for a stack, which the next run sweeps if this one is killed."""
    base = Path(tempfile.gettempdir()) / f"aegis-tests-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    _sweep(base)
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
    owner = ProcessIdentity.of(os.getpid())
    if owner is not None:
        owner.write(home / _OWNER)
    return home


@contextmanager
def running_stack() -> Iterator[RunningStack]:
    """Bring up both servers on free ports and take them down afterwards, whatever happens."""
    if engine_answers():
        with ContainerStack() as containers:
            yield RunningStack(containers)
        return
    home = stack_directory("stack")
    try:
        with Narrator() as narrator:
            jars = ensure_jars(narrator.detail)
        with LocalEngine(home, Ports.free(), jars) as engine:
            yield RunningStack(engine)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _sweep(base: Path) -> None:
    """End and remove the stacks of earlier test runs that were killed."""
    for home in base.iterdir():
        owner = ProcessIdentity.read(home / _OWNER)
        if owner is not None and not owner.alive():
            stop_leftovers(Layout(home), (), lambda _: None)
            shutil.rmtree(home, ignore_errors=True)
