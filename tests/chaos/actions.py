"""The faults, one function each. A new kind of fault is one more function in `ACTIONS`.

An action has its target to itself: it waits until no other action holds it and, for a worker,
until that is at work, so that no fault is wasted on a process that is still starting.
"""

from __future__ import annotations

import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from chaos.agenda import Action, Until, pause
from chaos.clocked import set_shift
from chaos.fleet import STRAY_SECONDS
from chaos.proxy import Weather
from chaos.schedule import MAX_AHEAD_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos.arena import Arena
    from chaos.fleet import Fleet
    from chaos.schedule import Step
    from chaos.timeline import Timeline
    from chaos.worker import WorkerProcess

READY_SECONDS: Final = 180.0
"""How long a worker may take until it is at work."""
QUEUE_SECONDS: Final = 3_600.0
"""How long a step waits for those before it on the same target."""
FAULT_SECONDS: Final = 120.0
"""How long an injected fault may take to be reached."""
ARMED_TIMES: Final = 10
"""How many processes one after the other may carry an injection before it is given up."""
DRAIN_SECONDS: Final = 45.0
TAKEOVER_SECONDS: Final = 30.0
SERVER_SECONDS: Final = 240.0
"""How long a server may take to end or to start."""
DISK_SECONDS: Final = 20.0
"""How long the broker may live on a full disk before it is freed again."""
STALL_SECONDS: Final = 45.0
"""How long a worker may take to notice that its clock is too far back."""


class Field:
    """What the actions act on.

    Args:
        fleet: The workers.
        arena: The servers.
        timeline: Where everything is noted.
        partitions: Number of partitions.
        clocks: Directory of the files that shift the workers' clocks.
        ready: How long a fault waits for its target to be at work before it hits regardless.
    """

    def __init__(
        self,
        fleet: Fleet,
        arena: Arena,
        timeline: Timeline,
        partitions: int,
        clocks: Path,
        *,
        ready: float = READY_SECONDS,
    ) -> None:
        self.fleet = fleet
        self.arena = arena
        self.timeline = timeline
        self.clocks = clocks
        self.ready = ready
        self.partitions = set(range(partitions))
        self.held: set[str] = set()
        self.faults: list[str] = []

    def perform(self, step: Step) -> Action:
        """Carry out a step once its target is free and at work.

        A server is free for the next step when all workers are at work again.
        """
        slot = (step.role, step.slot)
        reason = self.arena.why_not(step)
        if reason:
            self.timeline.note("cannot", step.target, f"{step.action}: {reason}")
            return

        if not (yield Until(lambda: step.holds not in self.held, QUEUE_SECONDS)):
            self.faults.append(f"{step.action} {step.target}: its target was never free")
            return
        self.held.add(step.holds)
        try:
            if step.role and step.action != "join":
                yield Until(lambda: self.fleet.working(slot), self.ready)
            yield from ACTIONS[step.action](self, step)
            if step.holds == "servers":
                yield Until(self.fleet.all_working, self.ready)
        finally:
            self.held.discard(step.holds)


def kill(field: Field, step: Step) -> Action:
    """Kill -9 a worker; the supervisor starts another."""
    field.timeline.note("kill", step.target)
    field.fleet.kill((step.role, step.slot))
    yield pause(0)


def freeze(field: Field, step: Step) -> Action:
    """Stop a worker for longer than its session, then let it go on."""
    worker = field.fleet.post((step.role, step.slot)).worker
    if worker is None:
        return
    field.timeline.note("freeze", step.target, f"{step.seconds} s")
    worker.freeze()
    yield pause(step.seconds)
    field.timeline.note("thaw", step.target)
    worker.thaw()


def replace(field: Field, step: Step) -> Action:
    """The same, while a new process takes the slot."""
    field.timeline.note("replace", step.target, f"{step.seconds} s")
    stray = field.fleet.desert((step.role, step.slot))
    if stray is None:
        return
    yield pause(step.seconds)
    field.timeline.note("thaw", step.target, stray.worker.name)
    field.fleet.thaw(stray)
    yield Until(lambda: stray.worker.exit_code() is not None, STRAY_SECONDS)


def inject(field: Field, step: Step) -> Action:
    """Kill a worker, and have its successor killed or stopped at a point of a commit.

    A successor that ends for another reason (the broker is away) hands the plan on to its own.
    """
    slot = (step.role, step.slot)
    field.timeline.note("kill", step.target, f"its successor gets {step.detail}")
    field.fleet.kill(slot, step.detail)
    for _ in range(ARMED_TIMES):
        yield Until(lambda: field.fleet.post(slot).worker is not None, field.ready)
        armed = field.fleet.post(slot).worker
        if armed is None:
            break
        yield Until(partial(_hit, armed), FAULT_SECONDS)
        if armed.exit_code() == -signal.SIGKILL:
            field.timeline.note("injected", step.target, step.detail)
            return
        if armed.stopped():
            yield from _hold(field, step, armed)
            return
        if armed.exit_code() is None:
            break
        field.fleet.post(slot).faults = step.detail
    field.timeline.note("not reached", step.target, step.detail)


def _hit(armed: WorkerProcess) -> bool:
    return armed.exit_code() is not None or armed.stopped()


def _hold(field: Field, step: Step, armed: WorkerProcess) -> Action:
    armed.frozen = True
    field.timeline.note("freeze", step.target, f"{step.detail}, {step.seconds} s")
    yield pause(step.seconds)
    field.timeline.note("thaw", step.target, armed.name)
    armed.thaw()


def leave(field: Field, step: Step) -> Action:
    """A worker drains and goes; its peer takes over; later it joins again."""
    slot = (step.role, step.slot)
    worker = field.fleet.post(slot).worker
    field.timeline.note("leave", step.target)
    field.fleet.dismiss(slot)
    if worker is not None and not (
        yield Until(lambda: worker.exit_code() is not None, DRAIN_SECONDS)
    ):
        field.faults.append(f"{worker.name}: not drained within {DRAIN_SECONDS} s of SIGTERM")
        worker.kill()
    yield pause(step.seconds)
    taken = yield Until(lambda: field.fleet.owned(step.role) == field.partitions, TAKEOVER_SECONDS)
    field.timeline.note("taken over" if taken else "not taken over", step.target)
    field.timeline.note("join", step.target)
    field.fleet.want(slot)
    yield Until(lambda: field.fleet.working(slot), field.ready)


def join(field: Field, step: Step) -> Action:
    """One more worker joins, works for a while and goes."""
    slot = (step.role, step.slot)
    field.timeline.note("join", step.target)
    field.fleet.want(slot)
    if not (yield Until(lambda: field.fleet.working(slot), field.ready)):
        field.timeline.note("not at work", step.target)
    yield pause(step.seconds)
    worker = field.fleet.post(slot).worker
    field.timeline.note("leave", step.target)
    field.fleet.dismiss(slot)
    if worker is not None:
        yield Until(lambda: worker.exit_code() is not None, DRAIN_SECONDS)


def restart_broker(field: Field, step: Step) -> Action:
    """Restart Kafka in good order."""
    yield from _restart(field, step, kill=False)


def kill_broker(field: Field, step: Step) -> Action:
    """Kill -9 Kafka and start it again."""
    yield from _restart(field, step, kill=True)


def _restart(field: Field, step: Step, *, kill: bool) -> Action:
    field.timeline.note(step.action, step.target)
    yield from _beside(field, step, partial(field.arena.restart_broker, kill=kill))
    field.timeline.note("answers", step.target)


def freeze_broker(field: Field, step: Step) -> Action:
    """Let Kafka stand still with its connections open, then go on."""
    field.timeline.note(step.action, step.target, f"{step.seconds} s")
    field.arena.freeze(step.server)
    yield pause(step.seconds)
    yield from _beside(field, step, partial(field.arena.thaw, step.server))
    field.timeline.note("answers", step.target)


def outage(field: Field, step: Step) -> Action:
    """End a server, leave it away for a while, start it again."""
    field.timeline.note(f"{step.server}_away", step.target, f"{step.detail}, {step.seconds} s")
    kill = step.detail == "kill"
    yield from _beside(field, step, partial(field.arena.end, step.server, kill=kill))
    yield pause(step.seconds)
    yield from _beside(field, step, partial(field.arena.start, step.server))
    field.timeline.note("answers", step.target)


def disk_full(field: Field, step: Step) -> Action:
    """Fill the broker's disk until the broker ends; later give it room and start it again."""
    field.timeline.note("disk_full", step.target, f"{step.seconds} s")
    field.arena.fill_disk()
    ended = yield Until(lambda: field.arena.ended(step.server), DISK_SECONDS)
    field.timeline.note("ended of it" if ended else "lives on", step.target)
    yield pause(step.seconds)
    field.arena.free_disk()
    field.timeline.note("disk freed", step.target)
    if ended:
        yield from _beside(field, step, partial(field.arena.start, step.server))
    field.timeline.note("answers", step.target)


def _beside(field: Field, step: Step, do: Callable[[], None]) -> Action:
    """Do something that blocks in a thread, and wait for its end."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            do()
        except Exception as error:  # noqa: BLE001  # whatever it is, the run reports it
            failed.append(error)

    thread = threading.Thread(target=run, name=f"chaos-{step.target}", daemon=True)
    thread.start()
    back = yield Until(lambda: not thread.is_alive(), SERVER_SECONDS)
    if not back or failed:
        field.faults.append(f"{step.action} {step.target}: {failed or 'no end'}")


def slow(field: Field, step: Step) -> Action:
    """Slow down the network of one worker."""
    delay, _, rate, _ = step.detail.split(" ")
    weather = Weather(delay=int(delay) / 1000, rate=int(rate) * 1000)
    yield from _weather(field, step, weather)


def hold(field: Field, step: Step) -> Action:
    """Let nothing pass between one worker and the broker; connections stay open."""
    yield from _weather(field, step, Weather(held=True))


def cut(field: Field, step: Step) -> Action:
    """Reset and refuse the connections of one worker to the broker."""
    yield from _weather(field, step, Weather(cut=True))


def _weather(field: Field, step: Step, weather: Weather) -> Action:
    field.timeline.note(step.action, step.target, f"{step.seconds} s {step.detail}".strip())
    field.arena.set_weather(step.target, weather)
    yield pause(step.seconds)
    field.arena.set_weather(step.target)
    field.timeline.note("fair", step.target)


def clock(field: Field, step: Step) -> Action:
    """Let a worker's clock jump; one that is too far back has to stall the worker."""
    worker = field.fleet.post((step.role, step.slot)).worker
    jump = float(step.detail)
    kind = "clock_beyond" if jump < -MAX_AHEAD_SECONDS else "clock"
    field.timeline.note(kind, step.target, f"{jump:+.0f} s for {step.seconds} s")
    set_shift(field.clocks / step.target, jump)
    if kind == "clock_beyond" and worker is not None:
        before = worker.log.stalls
        stalled = yield Until(lambda: worker.stalls() > before, STALL_SECONDS)
        field.timeline.note("stalled" if stalled else "not stalled", step.target)
    yield pause(step.seconds)
    set_shift(field.clocks / step.target, 0)
    field.timeline.note("clock right", step.target)


ACTIONS: Final[dict[str, Callable[[Field, Step], Action]]] = {
    "kill": kill,
    "freeze": freeze,
    "replace": replace,
    "inject": inject,
    "leave": leave,
    "join": join,
    "restart_broker": restart_broker,
    "kill_broker": kill_broker,
    "freeze_broker": freeze_broker,
    "outage": outage,
    "disk_full": disk_full,
    "slow": slow,
    "hold": hold,
    "cut": cut,
    "clock": clock,
}
"""Every action that a schedule may name."""
