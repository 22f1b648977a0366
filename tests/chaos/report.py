"""What a run shows: counts, gaps, recoveries, every event, and whatever is wrong."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Self

from aegis_streams.names import AUDIT, CHECKPOINTS
from chaos.sink import ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.actions import Field
    from chaos.arrivals import Arrivals
    from chaos.feeder import Feeder
    from chaos.fleet import Fleet
    from chaos.oracle.findings import Findings
    from chaos.run import Plan
    from chaos.timeline import Event, Timeline
    from chaos.watcher import Watcher

GAP_SECONDS: Final = 1.0
"""Shorter silences of a partition are no gaps."""

_STAGES: Final = {"decide": AUDIT, "seal": CHECKPOINTS, "sink": ROWS}
_HITS: Final = (
    *("kill", "injected", "freeze", "replace", "leave"),
    *("restart_broker", "kill_broker", "freeze_broker", "disk_full", "registry_away"),
    *("connect_away", "postgres_away"),
    *("slow", "hold", "cut", "clock", "clock_beyond"),
)
_SERVERS: Final = ("kafka", "registry")
_AFTER: Final = {
    "decide": ("decide", "seal", "sink"),
    "seal": ("seal",),
    "connect": ("sink",),
    "postgres": ("sink",),
}
"""What is hit -> stages that it can hold up."""


@dataclass
class Report:
    """The outcome of a run; everything in it can be written as JSON.

    Attributes:
        plan: What was asked for.
        counts: How often what was done.
        load: Records delivered, by case.
        exits: How worker processes ended.
        undone: Batches that were aborted and repeated, by cause.
        gaps: Per stage and partition the silences of `GAP_SECONDS` and more: begin and length.
        recoveries: Per fault the seconds until every partition of the stage had a record again.
        checked: Comparisons that the oracle made, by kind.
        findings: What the oracle found wrong, the first of each kind with its number.
        faults: What went wrong with the run itself, or with a worker's conduct.
        events: Everything that happened.
    """

    plan: dict[str, Any]
    counts: dict[str, int]
    load: dict[str, int]
    exits: dict[str, int]
    undone: dict[str, int]
    gaps: dict[str, dict[int, list[tuple[float, float]]]]
    recoveries: list[dict[str, Any]]
    checked: dict[str, int]
    findings: list[str]
    faults: list[str]
    events: list[Event]

    @classmethod
    def of(  # noqa: PLR0917  # the parts of a run, once
        cls,
        plan: Plan,
        timeline: Timeline,
        fleet: Fleet,
        field: Field,
        feeder: Feeder,
        watcher: Watcher,
        findings: Findings,
    ) -> Self:
        """Put the report of a run together."""
        events = timeline.events
        began = timeline.of("load begins")[0].at
        return cls(
            plan=plan.as_dict(),
            counts=_counts(events),
            load=dict(Counter(sent.shape for sent in feeder.sent.values())),
            exits=dict(fleet.tally.exits),
            undone=dict(fleet.tally.undone),
            gaps={
                stage: {
                    partition: [(gap.began, gap.seconds) for gap in gaps]
                    for partition, gaps in watcher.arrivals.gaps(topic, GAP_SECONDS, began).items()
                }
                for stage, topic in _STAGES.items()
                if watcher.arrivals.seen(topic)
            },
            recoveries=[
                _recovery(event, watcher.arrivals) for event in events if event.kind in _HITS
            ],
            checked=dict(sorted(findings.checked.items())),
            findings=findings.lines(),
            faults=[*field.faults, *fleet.tally.violations, *watcher.faults],
            events=list(events),
        )

    @property
    def name(self) -> str:
        """Name of its file: job and seed."""
        job = str(self.plan["job"]).replace(" ", "-")
        return f"chaos-{self.plan['seed']}{'' if job == 'aegis' else f'-{job}'}"

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings and not self.faults

    @property
    def as_expected(self) -> bool:
        """Whether AEGIS is sound, or the control has lost, doubled or forked something."""
        return self.sound if self.plan["job"] == "aegis" else bool(self.findings)

    def save(self, directory: Path) -> Path:
        """Write the report as JSON and return the file."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        return path

    def text(self) -> str:
        """Return what a person wants to know, a few lines."""
        lines = [
            (
                f"{self.plan['job']}: seed {self.plan['seed']}, {self.plan['duration']:.0f} s, "
                f"{sum(self.load.values())} inputs of {len(self.load)} kinds"
            ),
            "done: " + ", ".join(f"{name} {n}" for name, n in sorted(self.counts.items())),
            "ends: " + ", ".join(f"{name} {n}" for name, n in sorted(self.exits.items())),
            f"batches undone and repeated: {self.undone or 'none'}",
            *(self._gap_line(stage) for stage in self.gaps),
            self._recovery_line(),
            f"compared: {sum(self.checked.values())} times",
        ]
        wrong = [f"WRONG {each}" for each in (*self.findings, *self.faults)]
        return "\n".join([*lines, *(wrong or ["nothing is wrong"])])

    def _gap_line(self, stage: str) -> str:
        longest = {
            partition: max((seconds for _, seconds in gaps), default=0.0)
            for partition, gaps in self.gaps[stage].items()
        }
        number = sum(map(len, self.gaps[stage].values()))
        each = ", ".join(f"{partition}: {seconds:.1f} s" for partition, seconds in longest.items())
        return f"{stage}: {number} gaps of {GAP_SECONDS:g} s and more; longest per partition {each}"

    def recovery_times(self) -> dict[str, list[float]]:
        """Return per kind of fault the seconds until every partition of every stage went on."""
        found: dict[str, list[float]] = {}
        for each in self.recoveries:
            seconds = [each[stage] for stage in _STAGES if each.get(stage) is not None]
            if seconds:
                found.setdefault(each["kind"], []).append(max(seconds))
        return dict(sorted(found.items()))

    def _recovery_line(self) -> str:
        parts = [
            f"{kind} median {median(found):.1f} s, longest {max(found):.1f} s"
            for kind, found in self.recovery_times().items()
        ]
        return "recovery: " + "; ".join(parts)


def _counts(events: tuple[Event, ...]) -> dict[str, int]:
    kinds = Counter(event.kind for event in events)
    injected = kinds["injected"]
    return {
        "kill -9": kinds["kill"] + injected,
        "zombies": kinds["freeze"] + kinds["replace"],
        "zombies replaced": kinds["replace"],
        "broker restarts": kinds["restart_broker"] + kinds["kill_broker"] + kinds["ended of it"],
        "broker freezes": kinds["freeze_broker"],
        "leaves": kinds["leave"],
        "joins": kinds["join"],
        "faults in a commit": injected
        + sum(1 for event in events if event.kind == "freeze" and ":stop:" in event.detail),
        "faults in a commit not reached": kinds["not reached"],
        "disk full": kinds["disk_full"],
        "disk full, broker ended of it": kinds["ended of it"],
        "registry away": kinds["registry_away"],
        "Connect away": kinds["connect_away"],
        "PostgreSQL away": kinds["postgres_away"],
        "network slow": kinds["slow"],
        "network held": kinds["hold"],
        "network cut": kinds["cut"],
        "clock jumps": kinds["clock"] + kinds["clock_beyond"],
        "clock beyond the rule": kinds["clock_beyond"],
        "stalled by the clock": kinds["stalled"],
        "cannot be made here": kinds["cannot"],
        "starts": kinds["start"],
        "unprompted exits": kinds["exit"],
    }


def _recovery(event: Event, arrivals: Arrivals) -> dict[str, Any]:
    """Return how long after a fault each stage it can have hit took to go on everywhere."""
    role = event.target.partition("-")[0]
    return {
        "at": event.at,
        "kind": event.kind,
        "target": event.target,
        **{
            stage: (
                arrivals.recovery(topic, event.at)
                if role in _SERVERS or stage in _AFTER.get(role, ())
                else None
            )
            for stage, topic in _STAGES.items()
        },
    }
