"""A soak: one decider, one sealer, steady load, a sample every so often, then the judgement."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from aegis_governance.config import AegisConfig
from chaos.deployment import Deployment
from chaos.feeder import Feeder
from chaos.fleet import Fleet
from chaos.job import AEGIS
from chaos.mixture import Mixture
from chaos.parameters import parameters
from chaos.schedule import ROLES
from chaos.sink import SinkWatcher
from chaos.soak.report import SoakReport, judge
from chaos.soak.sampler import Sample, Sampler
from chaos.timeline import Timeline
from chaos.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos.arena import Arena

HORIZON_HOURS: Final = 1 / 30
"""Two minutes: the table of known ids is full before the half that is judged."""
START_SECONDS: Final = 90.0
DRAIN_SECONDS: Final = 120.0
_TICK: Final = 0.05


@dataclass(frozen=True)
class SoakPlan:
    """What a soak is given.

    Attributes:
        seed: Draws the load.
        duration: Seconds of load.
        rate: Records a second.
        interval: Seconds between samples.
    """

    seed: int
    duration: float
    rate: float
    interval: float


class Soak:
    """Runs a plan.

    Args:
        plan: Load and length.
        arena: The servers; whatever is on them is removed first.
        home: Directory for keys, guard and logs.
        say: Shows progress.
    """

    def __init__(
        self, plan: SoakPlan, arena: Arena, home: Path, say: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._arena = arena
        self._say = say
        self._timeline = Timeline()
        self._deployment = Deployment(arena, home, 4, _parameters())
        environment = self._deployment.environment
        self._fleet = Fleet(AEGIS.command, self._deployment.layout, environment, self._timeline)
        self._samples: list[Sample] = []
        self._faults: list[str] = []

    def run(self) -> SoakReport:
        """Soak; takes the duration and about a minute more."""
        records = self._deployment.open()
        now = self._timeline.now
        bootstrap = self._arena.stack.bootstrap
        watcher = Watcher(bootstrap, 4, records, now)
        mixture = Mixture(self._plan.seed, 4, dict(records.ids))
        feeder = Feeder(bootstrap, mixture, self._plan.rate, now)
        watcher.start()
        try:
            sink = SinkWatcher(self._deployment.settings, watcher.arrivals, now)
            with sink.running():
                self._begin()
                feeder.start()
                self._watch(feeder, watcher, sink)
                feeder.finish(DRAIN_SECONDS)
                self._drain(feeder, watcher, sink)
            self._fleet.stop(START_SECONDS)
        finally:
            self._fleet.end()
            watcher.stop()
        judgements = judge(self._samples, [f"{role}-0" for role in ROLES])
        faults = [*self._faults, *self._fleet.tally.violations, *watcher.faults]
        return SoakReport(asdict(self._plan), judgements, faults, self._samples)

    def _begin(self) -> None:
        for role in ROLES:
            self._fleet.want((role, 0))
        if not self._wait(self._fleet.all_working, START_SECONDS):
            raise AssertionError(f"the workers did not start: {self._timeline.events[-4:]}")

    def _watch(self, feeder: Feeder, watcher: Watcher, sink: SinkWatcher) -> None:
        def lag() -> dict[str, int]:
            undecided = max(0, len(feeder.sent) - watcher.decided)
            unstored = max(0, watcher.leaves - sink.rows)
            return {"decide": undecided, "seal": watcher.unsealed, "sink": unstored}

        sampler = Sampler(self._pids, lag, self._arena.broker_logs)
        began = self._timeline.now()
        while (at := self._timeline.now() - began) < self._plan.duration:
            self._samples.append(sampler.sample(at, len(feeder.sent)))
            self._show(self._samples[-1])
            self._wait(lambda: False, self._plan.interval)
            exits = self._timeline.of("exit")
            if exits:
                self._faults.append(f"a worker ended: {exits[0]}")
                return

    def _pids(self) -> dict[str, int]:
        workers = {f"{role}-0": self._fleet.pid((role, 0)) for role in ROLES}
        return {**workers, **self._arena.pids()}

    def _show(self, sample: Sample) -> None:
        memory = ", ".join(
            f"{name} {each.rss >> 20} MiB {each.handles} handles"
            for name, each in sample.processes.items()
        )
        lag = ", ".join(f"{stage} {number}" for stage, number in sample.lag.items())
        self._say(f"{sample.at:8.0f} s  {sample.inputs:8d} inputs  lag {lag}  {memory}")

    def _drain(self, feeder: Feeder, watcher: Watcher, sink: SinkWatcher) -> None:
        def left() -> tuple[int, ...]:
            return *watcher.behind(feeder.sent), watcher.leaves - sink.rows

        if not self._wait(lambda: left() == (0, 0, 0), DRAIN_SECONDS):
            self._faults.append(f"not all was decided, sealed and stored: {left()}")

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = self._timeline.now() + seconds
        while not condition():
            if self._timeline.now() > deadline:
                return False
            self._fleet.tick()
            time.sleep(_TICK)
        return True


def _parameters() -> AegisConfig:
    return AegisConfig.from_dict({**parameters().to_dict(), "horizon_hours": HORIZON_HOURS})
