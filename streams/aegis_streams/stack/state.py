"""What the supervisor tells everybody else, in ``supervisor.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aegis_streams.stack.errors import StackError
from aegis_streams.stack.files import write_atomically
from aegis_streams.stack.processes import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Phase(StrEnum):
    """What a component is doing."""

    WAITING = "waiting"
    """For a component that it needs."""
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    """A task that ran to its end."""
    BACKING_OFF = "backing off"
    """It failed and is started again in a moment."""
    STOPPED = "stopped"


SETTLED = frozenset({Phase.READY, Phase.DONE})
"""Phases in which others may rely on the component."""


@dataclass(frozen=True)
class ComponentState:
    """One component as the supervisor sees it.

    Attributes:
        name: Its name.
        phase: What it is doing.
        process: Its process, if it has one.
        starts: How often it was started.
        failures: Failures in a row; a long healthy life makes it 0.
        started_at: Last start, seconds since 1970.
        ready_at: When it last became ready, seconds since 1970.
        detail: The last failure, for a person.
    """

    name: str
    phase: Phase = Phase.WAITING
    process: ProcessIdentity | None = None
    starts: int = 0
    failures: int = 0
    started_at: float | None = None
    ready_at: float | None = None
    detail: str = ""

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self.starts - 1)


@dataclass(frozen=True)
class StackState:
    """The whole stack as the supervisor sees it.

    Attributes:
        supervisor: The supervisor's own process.
        started_at: When it started, seconds since 1970.
        stopping: Whether it was told to stop.
        components: In the order of their start.
    """

    supervisor: ProcessIdentity
    started_at: float
    stopping: bool
    components: tuple[ComponentState, ...]

    @property
    def settled(self) -> bool:
        """Whether every component is ready or done."""
        return not self.stopping and all(each.phase in SETTLED for each in self.components)

    def write(self, path: Path) -> None:
        """Publish this state."""
        write_atomically(path, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> StackState | None:
        """Return the state that was published last, None if there never was one.

        Raises:
            StackError: The file is there and cannot be understood.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StackError(f"{path}: cannot be read ({error})") from error
        try:
            return cls(
                supervisor=ProcessIdentity(**found["supervisor"]),
                started_at=float(found["started_at"]),
                stopping=bool(found["stopping"]),
                components=_components(found["components"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StackError(f"{path}: not a state of the supervisor ({error})") from error


def _components(found: Sequence[Mapping[str, object]]) -> tuple[ComponentState, ...]:
    return tuple(_component(dict(each)) for each in found)


def _component(values: dict[str, Any]) -> ComponentState:
    process = values.pop("process", None)
    phase = Phase(str(values.pop("phase")))
    identity = ProcessIdentity(**process) if isinstance(process, dict) else None
    return ComponentState(phase=phase, process=identity, **values)
