"""The workers under test and their supervisor: whoever dies is started again, with back-off."""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aegis_streams.stack.processes import wait_until
from chaos.worker import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aegis_streams.stack.layout import Layout
    from chaos.timeline import Timeline

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
STEADY_SECONDS: Final = 10.0
"""A process that lived this long is started again without a longer pause than the first."""
STRAY_SECONDS: Final = 60.0
"""How long a thawed process whose slot was taken may live on."""
SENT: Final = frozenset({signal.SIGKILL, signal.SIGTERM})
"""Signals that a run sends, itself or by a fault point; any other that ends a worker is a crash."""

Slot = tuple[str, int]
"""Role and slot number."""


@dataclass
class Post:
    """One slot and who stands in it.

    Attributes:
        wanted: Whether a process is to run here.
        worker: The present process, None before the first start.
        faults: Fault plan of the next process to be started; used once.
        attempts: Processes started so far.
        pause: Seconds to wait before the next start.
        due: When the next start may happen.
        expected: Whether the next end was brought about by the run itself.
    """

    wanted: bool = False
    worker: WorkerProcess | None = None
    faults: str = ""
    attempts: int = 0
    pause: float = FIRST_PAUSE
    due: float = 0.0
    started: float = 0.0
    expected: bool = False


@dataclass
class Stray:
    """A frozen process whose slot another one has taken.

    Attributes:
        worker: The process.
        thawed: When it was let go on; None while it is frozen.
    """

    worker: WorkerProcess
    thawed: float | None = None


@dataclass
class Tally:
    """What the workers went through, over all their lives."""

    exits: Counter[str] = field(default_factory=Counter)
    undone: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class Fleet:
    """All worker processes of a run. `tick` does the supervisor's work; call it often.

    Args:
        command: Returns the command line of a slot.
        layout: Where logs and pid files go.
        environment: Returns the variables of a slot.
        timeline: Where starts and ends are noted.
    """

    def __init__(
        self,
        command: Callable[[str, int], Sequence[str]],
        layout: Layout,
        environment: Callable[[str, int], Mapping[str, str]],
        timeline: Timeline,
    ) -> None:
        self.tally = Tally()
        self._command = command
        self._layout = layout
        self._environment = environment
        self._timeline = timeline
        self._posts: dict[Slot, Post] = {}
        self._strays: list[Stray] = []

    # ------------------------------------------------------------------ asking

    def post(self, slot: Slot) -> Post:
        """Return a slot, which comes into being when it is asked for."""
        return self._posts.setdefault(slot, Post())

    def pid(self, slot: Slot) -> int:
        """Return the process id of a slot's living process."""
        worker = self.post(slot).worker
        assert worker is not None
        return worker.pid

    def working(self, slot: Slot) -> bool:
        """Whether the slot's process works on partitions."""
        worker = self.post(slot).worker
        return worker is not None and worker.working()

    def all_working(self) -> bool:
        """Whether every wanted slot has a living process, and somebody works for each role."""
        wanted = [slot for slot, post in self._posts.items() if post.wanted]
        return all(self.working(slot) for slot in wanted)

    def owned(self, role: str) -> set[int]:
        """Return the partitions that the working processes of a role say they work on."""
        found: set[int] = set()
        for slot, post in self._posts.items():
            if slot[0] == role and post.worker is not None and self.working(slot):
                found |= set(post.worker.log.owned)
        return found

    # ------------------------------------------------------------------ doing

    def want(self, slot: Slot) -> None:
        """Have a process run in a slot from now on."""
        self.post(slot).wanted = True
        self.tick()

    def kill(self, slot: Slot, faults: str = "") -> None:
        """Kill -9 a slot's process; its successor gets a fault plan."""
        post = self.post(slot)
        if post.worker is not None:
            post.faults, post.expected = faults, True
            post.worker.kill()
            self.tick()

    def dismiss(self, slot: Slot) -> None:
        """Ask a slot's process to end in good order, and start no other."""
        post = self.post(slot)
        post.wanted, post.expected = False, True
        if post.worker is not None:
            post.worker.send(signal.SIGTERM)

    def desert(self, slot: Slot) -> Stray | None:
        """Freeze a slot's process and give the slot to a new one at once."""
        post = self.post(slot)
        if post.worker is None:
            return None
        post.worker.freeze()
        stray = Stray(post.worker)
        self._strays.append(stray)
        post.worker, post.due = None, 0.0
        return stray

    def thaw(self, stray: Stray) -> None:
        """Let a deserted process go on; it has to notice and end."""
        stray.thawed = self._timeline.now()
        stray.worker.thaw()

    def tick(self) -> None:
        """Note who ended, start who is wanted."""
        for slot, post in self._posts.items():
            self._look_after(slot, post)
        for stray in list(self._strays):
            self._look_at(stray)

    def stop(self, seconds: float) -> None:
        """End all in good order; whoever does not end with code 0 in time is a violation."""
        living = [post.worker for post in self._posts.values() if post.worker is not None]
        for post in self._posts.values():
            post.wanted, post.expected = False, True
        for worker in living:
            worker.thaw()
            worker.send(signal.SIGTERM)
        wait_until(lambda: all(worker.exit_code() is not None for worker in living), seconds)
        for worker in living:
            code = worker.exit_code()
            if code != 0:
                self._violate(f"{worker.name}: SIGTERM led to exit code {code}, wanted 0")
        self.tick()
        self.end()

    def end(self) -> None:
        """Kill whatever is left; safe to call at any time."""
        for post in self._posts.values():
            post.wanted = False
            if post.worker is not None and post.worker.exit_code() is None:
                post.worker.kill()
        for stray in self._strays:
            if stray.worker.exit_code() is None:
                stray.worker.kill()

    # ------------------------------------------------------------------ supervising

    def _look_after(self, slot: Slot, post: Post) -> None:
        worker = post.worker
        if worker is not None:
            code = worker.exit_code()
            if code is None:
                return
            self._ended(worker, code, expected=post.expected)
            lived = self._timeline.now() - post.started
            short = lived < STEADY_SECONDS and not post.expected
            post.pause = min(post.pause * 2, LONGEST_PAUSE) if short else FIRST_PAUSE
            post.worker, post.expected = None, False
            post.due = self._timeline.now() + post.pause
        if post.wanted and self._timeline.now() >= post.due:
            self._start(slot, post)

    def _start(self, slot: Slot, post: Post) -> None:
        post.attempts += 1
        name = f"{slot[0]}-{slot[1]}.{post.attempts}"
        environment = {**self._environment(*slot), "AEGIS_TEST_FAULTS": post.faults}
        post.worker = WorkerProcess(self._command(*slot), name, self._layout, environment)
        post.started = self._timeline.now()
        self._timeline.note("start", name, post.faults)
        post.faults = ""

    def _look_at(self, stray: Stray) -> None:
        code = stray.worker.exit_code()
        if code is not None:
            self._strays.remove(stray)
            self._ended(stray.worker, code, expected=False)
        elif stray.thawed is not None and self._timeline.now() - stray.thawed > STRAY_SECONDS:
            self._violate(f"{stray.worker.name}: lives on beside the owner of its slot")
            stray.worker.kill()

    def _ended(self, worker: WorkerProcess, code: int, *, expected: bool) -> None:
        how = signal.Signals(-code).name if code < 0 else f"code {code}"
        crashed = code < 0 and -code not in SENT
        said = " / ".join(worker.log.last[-2:]) if code > 0 or crashed else ""
        reason = worker.log.reason or said
        self.tally.exits[how] += 1
        self.tally.undone.update(worker.log.undone)
        self._timeline.note("end" if expected else "exit", worker.name, f"{how} {reason}".strip())
        if crashed:
            self._violate(f"{worker.name}: ended of {how}, which nobody sent")

    def _violate(self, what: str) -> None:
        self.tally.violations.append(what)
        self._timeline.note("violation", "", what)
