"""The stack as it is at this moment, for ``aegis status``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aegis_streams.stack.components import COMPONENTS
from aegis_streams.stack.control import running_supervisor
from aegis_streams.stack.place import load_place
from aegis_streams.stack.state import Phase, StackState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_streams.stack.component import Component, Place
    from aegis_streams.stack.layout import Layout
    from aegis_streams.stack.state import ComponentState

LAG_METRICS: Final = ("aegis_lag_records", "aegis_sink_lag_leaves")


@dataclass(frozen=True)
class ComponentView:
    """One component now.

    Attributes:
        name: Its name.
        phase: What the supervisor last said of it; "dead" where nobody keeps it any more.
        ready: Whether it does its work, asked at this moment; a task: whether it ended well.
        pid: Its process id, if it runs.
        ports: Its ports by purpose.
        uptime_seconds: Age of its process.
        restarts: How often it was started again since the supervisor began.
        lag_records: Records it has not yet taken, where it says so.
        detail: The last failure.
    """

    name: str
    phase: str
    ready: bool
    pid: int | None
    ports: Mapping[str, int]
    uptime_seconds: float | None
    restarts: int
    lag_records: int | None
    detail: str


@dataclass(frozen=True)
class Overview:
    """The whole stack now.

    Attributes:
        running: Whether its supervisor lives.
        ready: Whether it runs and every component is ready.
        supervisor_pid: The supervisor's process id.
        components: In the order of their start; empty if it never ran.
    """

    running: bool
    ready: bool
    supervisor_pid: int | None
    components: tuple[ComponentView, ...]


def overview(layout: Layout) -> Overview:
    """Look at every component of a stack now.

    Raises:
        StackError: Its files cannot be understood.
    """
    supervisor = running_supervisor(layout)
    supervisor_pid = supervisor.pid if supervisor else None
    state = StackState.read(layout.state_file)
    if state is None:
        return Overview(supervisor is not None, False, supervisor_pid, ())
    place = load_place(layout)
    views = tuple(_view(each, place) for each in state.components)
    ready = supervisor is not None and all(view.ready for view in views)
    return Overview(supervisor is not None, ready, supervisor_pid, views)


def lag_of(metrics: str) -> int | None:
    """Return the sum of the lag gauges in Prometheus text, None if there are none."""
    values = [
        float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith(LAG_METRICS)
    ]
    return int(sum(values)) if values else None


def _view(state: ComponentState, place: Place) -> ComponentView:
    component = COMPONENTS[state.name](place)
    alive = state.process is not None and state.process.alive()
    age = time.time() - state.started_at if alive and state.started_at else None
    done = state.phase is Phase.DONE
    return ComponentView(
        name=state.name,
        phase=state.phase if alive or state.process is None else "dead",
        ready=done or (alive and not component.task and component.ready()),
        pid=state.process.pid if alive and state.process else None,
        ports={port: getattr(place.ports, port) for port in component.ports},
        uptime_seconds=age,
        restarts=state.restarts,
        lag_records=_lag(component) if alive else None,
        detail=state.detail,
    )


def _lag(component: Component) -> int | None:
    metrics = component.metrics()
    return None if metrics is None else lag_of(metrics)
