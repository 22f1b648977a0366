"""One chaos run: a deployment of its own, load, faults, quiescence, judgement."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chaos.actions import Field
from chaos.agenda import Agenda
from chaos.collect import Collector
from chaos.control.tables import PREFIX, strip_prefixes
from chaos.control.topics import make_topics
from chaos.deployment import Deployment
from chaos.feeder import Feeder
from chaos.fleet import Fleet
from chaos.job import AEGIS
from chaos.mixture import Mixture
from chaos.oracle.findings import Findings
from chaos.oracle.judge import judge, judge_decided
from chaos.parameters import parameters
from chaos.report import Report
from chaos.schedule import SLOTS, schedule
from chaos.second import judge_again
from chaos.sink import SinkWatcher
from chaos.timeline import Timeline
from chaos.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from aegis_streams.records import Records
    from chaos.arena import Arena
    from chaos.job import Job
    from chaos.schedule import Step
    from chaos.timeline import Event

TICK: Final = 0.05
START_SECONDS: Final = 90.0
"""How long the first start of all workers may take."""
LATE_SECONDS: Final = 600.0
"""How much longer than twice its length the schedule may take on a busy machine."""
DELIVERY_SECONDS: Final = 180.0
STOP_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Plan:
    """What a run is given.

    Attributes:
        seed: Draws load and faults.
        duration: Seconds of load and faults.
        rate: Records a second.
        partitions: Number of partitions.
        job: What runs.
    """

    seed: int
    duration: float
    rate: float = 120.0
    partitions: int = 4
    job: Job = AEGIS

    def as_dict(self) -> dict[str, Any]:
        """Return what a report says of it."""
        return {
            "job": self.job.name,
            "seed": self.seed,
            "duration": self.duration,
            "rate": self.rate,
            "partitions": self.partitions,
        }


class ChaosRun:
    """Runs a plan against real servers and real worker processes.

    Args:
        plan: Seed, duration, load.
        arena: The servers; whatever is on them is removed first.
        home: Directory for keys, guard, journal and logs.
        echo: Called with each event.
    """

    def __init__(
        self,
        plan: Plan,
        arena: Arena,
        home: Path,
        echo: Callable[[Event], object] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._arena = arena
        self._stack = arena.stack
        self._home = home
        self._deployment = Deployment(arena, home, plan.partitions, parameters())
        self._settings = self._deployment.settings
        self._timeline = Timeline(echo=echo)
        self._agenda = Agenda(self._timeline.now)
        environment, clocks = self._deployment.environment, self._deployment.clocks
        self._fleet = Fleet(plan.job.command, self._deployment.layout, environment, self._timeline)
        self._field = Field(
            self._fleet,
            arena,
            self._timeline,
            plan.partitions,
            clocks,
            ready=plan.job.ready_seconds,
        )

    def run(self) -> Report:
        """Carry the run out and judge it; takes the duration and about a minute more."""
        records = self._open()
        watcher = Watcher(
            self._settings.bootstrap, self._plan.partitions, records, self._timeline.now
        )
        mixture = Mixture(self._plan.seed, self._plan.partitions, dict(records.ids))
        feeder = Feeder(self._settings.bootstrap, mixture, self._plan.rate, self._timeline.now)
        watcher.start()
        try:
            with self._sink(watcher) as sink:
                self._hurt(feeder, watcher, sink)
        finally:
            self._fleet.end()
            watcher.stop()
        return self._judge(feeder, watcher, records)

    def _hurt(self, feeder: Feeder, watcher: Watcher, sink: SinkWatcher | None) -> None:
        self._begin(feeder)
        planned = schedule(self._plan.seed, self._plan.duration)
        self._carry_out(self._plan.job.steps(planned))
        self._timeline.note("load ends")
        feeder.finish(DELIVERY_SECONDS)
        self._calm(feeder, watcher, sink)
        self._fleet.stop(STOP_SECONDS)

    @contextmanager
    def _sink(self, watcher: Watcher) -> Iterator[SinkWatcher | None]:
        if not self._arena.sink:
            yield None
            return
        sink = SinkWatcher(self._settings, watcher.arrivals, self._timeline.now)
        with sink.running():
            yield sink

    # ------------------------------------------------------------------ before

    def _open(self) -> Records:
        self._arena.clear()
        if self._plan.job.control:
            make_topics(self._stack.admin, self._plan.partitions)
        return self._deployment.open()

    # ------------------------------------------------------------------ during

    def _begin(self, feeder: Feeder) -> None:
        for role in self._plan.job.roles:
            for slot in SLOTS:
                self._fleet.want((role, slot))
        self._wait(lambda: self._fleet.all_working() or self._failing(), START_SECONDS)
        if not self._fleet.all_working():
            raise AssertionError(
                f"the workers did not start: {self._timeline.of('exit')[-4:]}; see {self._home}"
            )
        self._timeline.note("load begins")
        feeder.start()

    def _failing(self) -> bool:
        return len(self._timeline.of("exit")) > len(self._plan.job.roles) * len(SLOTS)

    def _carry_out(self, steps: Sequence[Step]) -> None:
        began = self._timeline.now()
        waiting = list(steps)

        def over() -> bool:
            while waiting and self._timeline.now() - began >= waiting[0].at:
                self._agenda.begin(self._field.perform(waiting.pop(0)))
            passed = self._timeline.now() - began >= self._plan.duration
            return passed and not waiting and self._agenda.idle

        if not self._wait(over, 2 * self._plan.duration + LATE_SECONDS):
            self._field.faults.append("the schedule was not carried out in time")

    def _calm(self, feeder: Feeder, watcher: Watcher, sink: SinkWatcher | None) -> None:
        job = self._plan.job

        def left() -> tuple[int, int, int]:
            undecided, unsealed = watcher.behind(feeder.sent)
            unstored = 0 if sink is None else watcher.leaves - sink.rows
            return undecided, unsealed if "seal" in job.roles else 0, unstored

        done = self._wait(lambda: left() == (0, 0, 0), job.calm_seconds)
        if not done:
            undecided, unsealed, unstored = left()
            self._field.faults.append(
                f"after {job.calm_seconds:.0f} s of calm {undecided} inputs are undecided, "
                f"{unsealed} leaves unsealed, {unstored} not in the database; {watcher.faults[:3]}"
            )
        self._timeline.note("all done" if done else "violation")
        self._wait(self._fleet.all_working, START_SECONDS)

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = self._timeline.now() + seconds
        while not condition():
            if self._timeline.now() > deadline:
                return False
            self._fleet.tick()
            self._agenda.advance()
            time.sleep(TICK)
        return True

    # ------------------------------------------------------------------ after

    def _judge(self, feeder: Feeder, watcher: Watcher, records: Records) -> Report:
        self._timeline.note("judging")
        journal, prefix = self._deployment.journal, PREFIX if self._plan.job.control else ""
        collector = Collector(self._settings, records, feeder.sent, journal, prefix)
        findings, setting = Findings(), collector.setting()
        for partition in range(self._plan.partitions):
            evidence = collector.partition(partition)
            if self._plan.job.control:
                strip_prefixes(evidence)
                judge_decided(evidence, setting, findings)
            else:
                judge(evidence, setting, findings)
        if not self._plan.job.control:
            judge_again(self._deployment.environment("decide", SLOTS[0]), findings)
        self._timeline.note("judged")
        return Report.of(
            self._plan, self._timeline, self._fleet, self._field, feeder, watcher, findings
        )
