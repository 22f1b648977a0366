"""The judge: leaves per second over real topics, and memory over a log of any length."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from aegis_streams import fsck
from aegis_streams.fsck.stream import StreamJudge
from aegis_streams.names import AUDIT, DECIDE_GROUP, PROPOSALS, SEAL_GROUP
from aegis_streams.stack.processes import wait_until
from bench.meter import Offsets
from support.synthetic_log import SyntheticLog

if TYPE_CHECKING:
    from bench.arena import Arena
    from bench.plan import Plan

_END_SECONDS = 600.0
_TESTS = Path(__file__).resolve().parent.parent
_KIB = 1024


def judging(arena: Arena, plan: Plan) -> dict[str, Any]:
    """Return rates over real topics, and memory over a synthetic log."""
    return {**rates(arena, plan), "memory": _memory(plan.judged)}


def rates(arena: Arena, plan: Plan) -> dict[str, Any]:
    """Return leaves per second over `plan.records` decided and sealed proposals."""
    arena.produce("judged", plan.records)
    for role, group, topic in (("decide", DECIDE_GROUP, PROPOSALS), ("seal", SEAL_GROUP, AUDIT)):
        _work_off(arena, role, group, topic)
    runs = [_judged(arena) for _ in range(plan.rounds)]
    arena.say(f"fsck: {', '.join(str(run['per_second']) for run in runs)} leaves/s")
    return {
        "leaves": runs[0]["leaves"],
        "processes": os.cpu_count(),
        "per_second": round(median(run["per_second"] for run in runs)),
        "per_cpu_second": round(median(run["per_cpu_second"] for run in runs)),
        "all_per_second": [run["per_second"] for run in runs],
        "start_seconds": round(median(run["start_seconds"] for run in runs), 2),
    }


def _work_off(arena: Arena, role: str, group: str, topic: str) -> None:
    offsets = Offsets(arena.settings.bootstrap, group, topic, arena.settings.partitions)
    try:
        last = offsets.end() - arena.settings.partitions  # what follows is a transaction's marker
        with arena.deployment.worker(role) as worker:
            assert wait_until(lambda: offsets.committed() >= last, _END_SECONDS)
            worker.stop()
    finally:
        offsets.close()


def _judged(arena: Arena) -> dict[str, Any]:
    """Judge the deployment once; the rate includes the start of the processes."""
    settings = arena.settings
    source = fsck.Source(
        settings.bootstrap,
        registry=settings.registry_url,
        groups={"decide": DECIDE_GROUP, "seal": SEAL_GROUP},
    )
    trust, now = settings.trust_file.read_bytes(), int(time.time() * 1000)
    tasks = [
        fsck.Task(settings.origin(number), number, source, trust, now_ms=now)
        for number in range(settings.partitions)
    ]
    before, began, heard = _children_cpu(), time.monotonic(), [0.0]

    def hear(*_: object) -> None:
        heard[0] = heard[0] or time.monotonic()

    report = fsck.judge(tasks, tell=hear)
    seconds, cpu = time.monotonic() - began, _children_cpu() - before
    assert report.exit_code == 0, report.as_dict()
    leaves = sum(log.figures["leaves"] for log in report.logs)
    return {
        "leaves": leaves,
        "per_second": round(leaves / seconds),
        "per_cpu_second": round(leaves / cpu),
        "start_seconds": heard[0] - began,
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(leaves: int) -> dict[str, Any]:
    """Judge a synthetic log in a process of its own; peaks after a tenth, and at the end."""
    command = [sys.executable, "-m", "bench.judging", str(leaves)]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(leaves: int) -> None:
    """Judge a synthetic log of so many leaves, and print figures as JSON."""
    log = SyntheticLog(leaves, released=leaves // 10)
    peaks: list[float] = []

    def tell(at: int, end: int) -> None:
        if at * 10 >= end and not peaks:
            peaks.append(_peak())

    judge = StreamJudge(log.task(), tell, lambda _: None, kafka=log)
    began = time.process_time()
    found = judge.judge()
    judge.close()
    assert found.findings == [], found.findings
    figures = {
        "leaves": found.figures["leaves"],
        "peak_mib_at_a_tenth": round(peaks[0], 1),
        "peak_mib": round(_peak(), 1),
        "cpu_seconds_with_the_making_of_the_log": round(time.process_time() - began, 1),
    }
    print(json.dumps(figures))  # noqa: T201 - for the parent process


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB


if __name__ == "__main__":
    main(int(sys.argv[1]))
