"""Rates on a backlog: decider, bare loop, sealer, and both workers at once."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from aegis_streams.names import (
    AUDIT,
    CHECKPOINTS,
    DEAD_LETTERS,
    DECIDE_GROUP,
    DECIDE_TABLES,
    DECISIONS,
    PROPOSALS,
    SEAL_GROUP,
    SEAL_TABLES,
    changelog,
)
from aegis_streams.stack.processes import wait_until
from bench.bare_loop import GROUP as BARE_GROUP
from bench.meter import Offsets, Rate, follow, summary

if TYPE_CHECKING:

    from bench.arena import Arena
    from bench.plan import Plan

_END_SECONDS = 120.0


class Throughput:
    """Works off backlogs and keeps the rates.

    Args:
        arena: A deployment without proposals.
        plan: Sizes.
    """

    def __init__(self, arena: Arena, plan: Plan) -> None:
        self._arena = arena
        self._plan = plan
        self._produced = 0
        self._rates: dict[str, list[Rate]] = {"decide": [], "bare": [], "seal": []}

    def run(self) -> dict[str, Any]:
        """Return the results of the sections that the plan selects."""
        wanted = self._plan.sections
        for number in range(self._plan.rounds):
            self._backlog(f"round-{number}")
            self._decide()
            if "bare" in wanted:
                self._bare()
            if {"seal", "together", "disk"} & set(wanted):
                self._seal()
        found = {name: summary(rates) for name, rates in self._rates.items() if rates}
        if "bare" in found:
            found["bare"]["decide_share"] = _share(self._rates["decide"], self._rates["bare"])
        if "disk" in wanted:
            found["disk"] = self._disk()
        if "together" in wanted:
            found["together"] = self._together()
        return found

    def _backlog(self, name: str) -> None:
        self._arena.produce(name, self._plan.records)
        self._produced += self._plan.records

    def _decide(self) -> None:
        with self._arena.offsets(DECIDE_GROUP, PROPOSALS) as offsets:
            first, last = offsets.committed(), offsets.end()
            with self._arena.deployment.worker("decide") as worker:
                rate = follow([worker.process.pid], offsets.committed, first, last)[0]
                _finish(offsets, last)
                worker.stop()
        self._keep("decide", rate)

    def _bare(self) -> None:
        with self._arena.offsets(BARE_GROUP, PROPOSALS) as offsets:
            first, last = offsets.committed(), offsets.end()
            with self._arena.bare_loop() as pid:
                rate = follow([pid], offsets.committed, first, last)[0]
                _finish(offsets, last)
        self._keep("bare", rate)

    def _seal(self) -> None:
        with self._arena.offsets(SEAL_GROUP, AUDIT) as offsets:
            first, last = offsets.committed(), offsets.end()
            with self._arena.deployment.worker("seal") as worker:
                rate = follow([worker.process.pid], offsets.committed, first, last)[0]
                _finish(offsets, last - self._arena.settings.partitions)
                worker.stop()
        self._keep("seal", rate)

    def _together(self) -> dict[str, Any]:
        arena = self._arena
        with self._arena.offsets(SEAL_GROUP, AUDIT) as sealed:
            first = sealed.committed()
            leaves_each = first / self._produced
            self._backlog("together")
            with arena.deployment.worker("decide") as one, arena.deployment.worker("seal") as two:
                pids = [one.process.pid, two.process.pid]
                broker = arena.broker_pid()
                pids += [] if broker is None else [broker]
                last = first + round(self._plan.records * leaves_each)
                rates = follow(pids, sealed.committed, first, last)
                one.stop()
                two.stop()
        decisions = rates[0].per_second / leaves_each
        self._arena.say(f"together: {decisions:,.0f} proposals/s")
        names = ("decide", "seal", "broker")
        cores = {n: round(r.cpu_seconds / r.seconds, 2) for n, r in zip(names, rates, strict=False)}
        return {"per_second": round(decisions), "cores_used": cores}

    def _disk(self) -> dict[str, Any]:
        tables = [changelog(DECIDE_GROUP, name) for name in DECIDE_TABLES]
        tables += [changelog(SEAL_GROUP, name) for name in SEAL_TABLES]
        topics = (PROPOSALS, AUDIT, DECISIONS, CHECKPOINTS, DEAD_LETTERS, *tables)
        sizes = {topic: self._arena.disk_bytes(topic) for topic in topics}
        return {
            topic: None if size is None else round(size / self._produced, 1)
            for topic, size in sizes.items()
        }

    def _keep(self, name: str, rate: Rate) -> None:
        self._rates[name].append(rate)
        self._arena.say(
            f"{name}: {rate.per_second:,.0f}/s, {rate.per_cpu_second:,.0f} per CPU-second"
        )


def _finish(offsets: Offsets, last: int) -> None:
    if not wait_until(lambda: offsets.committed() >= last, _END_SECONDS):
        raise AssertionError(f"only {offsets.committed()} of {last} were worked off")


def _share(ours: list[Rate], bare: list[Rate]) -> dict[str, float]:
    """Return how much of the bare loop's rates ours are, the median of the rounds."""
    pairs = list(zip(ours, bare, strict=True))
    return {
        "per_second": round(median(o.per_second / b.per_second for o, b in pairs), 3),
        "per_cpu_second": round(median(o.per_cpu_second / b.per_cpu_second for o, b in pairs), 3),
    }
