"""Kafka and the registry as children of the present process: for tests and benches.

Nothing here restarts anything by itself; the caller decides what dies and when.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Self

from aegis_streams.stack.addresses import bootstrap, registry_url
from aegis_streams.stack.child import Child
from aegis_streams.stack.component import Component, Place, levels
from aegis_streams.stack.components.kafka import Kafka
from aegis_streams.stack.components.registry import Registry
from aegis_streams.stack.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from aegis_streams.stack.ports import Ports

INFRASTRUCTURE: tuple[type[Component], ...] = (Kafka, Registry)


class LocalStack:
    """Components started together and stopped together; a context manager.

    Args:
        home: Directory for data, logs and pid files.
        ports: Ports to use.
        jars: Directory of the Java packages, from `ensure_jars`.
        kinds: Components to run.
    """

    def __init__(
        self,
        home: Path,
        ports: Ports,
        jars: Path,
        kinds: Sequence[type[Component]] = INFRASTRUCTURE,
    ) -> None:
        self.place = Place(Layout(home.resolve()), ports, jars)
        ordered = levels({kind.name: kind.needs for kind in kinds})
        by_name = {kind.name: Child(kind(self.place)) for kind in kinds}
        self._children = {name: by_name[name] for level in ordered for name in level}

    @property
    def bootstrap(self) -> str:
        """Kafka bootstrap servers."""
        return bootstrap(self.place.ports)

    @property
    def registry_url(self) -> str:
        """Address of the registry in Confluent's API."""
        return registry_url(self.place.ports)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def child(self, name: str) -> Child:
        """Return the process of a component by name."""
        return self._children[name]

    def start(self) -> None:
        """Start all components at once, then wait until each is ready.

        Raises:
            StackError: One could not be prepared or did not become ready.
        """
        for child in self._children.values():
            child.start()
        for child in self._children.values():
            child.wait_ready()

    def restart(self, name: str, *, kill: bool = False) -> None:
        """End a component, in order or as a crash would, start it again and wait for it.

        Raises:
            StackError: It did not come back.
        """
        child = self._children[name]
        child.send(signal.SIGCONT)
        if kill:
            child.kill()
        else:
            child.stop()
        child.start()
        child.wait_ready()

    def stop(self) -> None:
        """End all components, those that need others first; safe to call at any time."""
        for child in reversed(self._children.values()):
            child.send(signal.SIGCONT)
            with contextlib.suppress(OSError):
                child.stop()
