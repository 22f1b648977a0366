"""`python -m chaos`: a run of any length against servers of its own.

The reports go to `.aegis/chaos/`: JSON per job, and one page. The exit code is 0 if AEGIS is sound
and every control has failed, else 1.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chaos.arena import full_arena
from chaos.disk import own_namespace
from chaos.job import AEGIS, STOCK, stock
from chaos.page import save_page
from chaos.run import ChaosRun, Plan
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.job import Job
    from chaos.report import Report
    from chaos.timeline import Event

CONTROL_SECONDS: Final = 180.0
"""A control needs no longer to fail."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run chaos and say how it went."""
    chosen = _parser().parse_args(arguments)
    own_namespace(["-m", "chaos", *(sys.argv[1:] if arguments is None else arguments)])
    seed = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    reports = [_run(plan, chosen.report) for plan in _plans(chosen, seed)]
    _say(f"page: {save_page(reports, chosen.report)}")
    return 0 if all(report.as_expected for report in reports) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--duration", type=float, default=1800, help="seconds of faults and load")
    parser.add_argument("--seed", type=int, help="repeats a run's load and schedule")
    parser.add_argument("--rate", type=float, default=120, help="records a second")
    parser.add_argument("--report", type=Path, default=Path(".aegis/chaos"), help="directory")
    parser.add_argument(
        "--control",
        choices=("none", "stock", "only"),
        default="none",
        help="run stock Faust too, or alone; it has to fail",
    )
    return parser


def _plans(chosen: argparse.Namespace, seed: int) -> list[Plan]:
    def plan(job: Job, seconds: float) -> Plan:
        return Plan(seed, seconds, chosen.rate, job=job)

    aegis = [plan(AEGIS, chosen.duration)]
    controls = [plan(stock(name), min(chosen.duration, CONTROL_SECONDS)) for name in STOCK]
    return {"none": aegis, "stock": aegis + controls, "only": controls}[chosen.control]


def _run(plan: Plan, directory: Path) -> Report:
    home = stack_directory("chaos")
    _say(f"{plan.job.name}: seed {plan.seed}, {plan.duration:.0f} s, logs in {home / 'logs'}")
    with full_arena(sink=not plan.job.control) as arena:
        report = ChaosRun(plan, arena, home, _show).run()
    path = report.save(directory)
    _say(report.text())
    _say(f"report: {path}")
    if not report.as_expected:
        kept = directory / f"{report.name}-{int(time.time())}-logs"
        _say(f"logs of the workers: {shutil.move(home / 'logs', kept)}")
    shutil.rmtree(home, ignore_errors=True)
    return report


def _show(event: Event) -> None:
    _say(f"{event.at:9.2f}  {event.kind:<16} {event.target:<12} {event.detail}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
