"""What a component of the local stack is: one process, or one task that runs to its end.

A component is one small class: its ports, what must be written before it starts, its command, and
how to see that it is ready. A new one is a file in `aegis_streams.stack.components` and a line in
its registry; order of start and stop follows from `needs`.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aegis_streams.stack.layout import Layout
    from aegis_streams.stack.ports import Ports


@dataclass(frozen=True)
class Place:
    """Where a component lives: everything it may depend on.

    Attributes:
        layout: Directories and files of the stack.
        ports: Ports of the stack.
        jars: Directory of the Java packages.
    """

    layout: Layout
    ports: Ports
    jars: Path


class Component(ABC):
    """One part of the stack.

    Attributes:
        name: Short name; also that of its data, log and pid file.
        needs: Names of the components that must be ready before this one starts. It is stopped
            before any of them.
        ports: Fields of `Ports` on which it listens.
        task: Whether it runs to its end; ready then means that it exited with 0.
        ready_seconds: How long a start may take before it counts as failed.
        stop_signal: What asks it to end.
        stop_seconds: How long it may take to end after that before it is killed.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    ports: ClassVar[tuple[str, ...]] = ()
    task: ClassVar[bool] = False
    ready_seconds: ClassVar[float] = 60.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_seconds: ClassVar[float] = 20.0

    def __init__(self, place: Place) -> None:
        self.place = place

    def prepare(self) -> None:  # noqa: B027  # most components have nothing to write
        """Write what the process needs before each start; must be idempotent.

        Raises:
            StackError: It cannot be prepared.
        """

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the program and its arguments."""

    def environment(self) -> Mapping[str, str]:
        """Return variables to add to the environment of the process."""
        return {}

    @abstractmethod
    def ready(self) -> bool:
        """Whether it does its work now. Answers within a second or two and never raises."""

    def metrics(self) -> str | None:
        """Return its metrics as Prometheus text, None if it has none to give."""
        return None


def levels(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return names in levels: each needs only such as stand in earlier levels.

    Args:
        needs: Name of each component -> names of those it needs; a need that is not a key counts
            as met.

    Raises:
        graphlib.CycleError: They need each other in a circle.
    """
    graph = TopologicalSorter({n: [each for each in e if each in needs] for n, e in needs.items()})
    graph.prepare()
    found: list[list[str]] = []
    while graph.is_active():
        ready = graph.get_ready()
        graph.done(*ready)
        found.append(list(ready))
    return found
