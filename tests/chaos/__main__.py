"""`python -m chaos`: a run of any length against servers of its own.

The report goes to `.aegis/chaos/`; the exit code is 0 if nothing is wrong, else 1.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.run import ChaosRun, Plan
from support.stack import running_stack, stack_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.timeline import Event


def main(arguments: Sequence[str] | None = None) -> int:
    """Run chaos and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--duration", type=float, default=1800, help="seconds of faults and load")
    parser.add_argument("--seed", type=int, help="repeats a run's load and schedule")
    parser.add_argument("--rate", type=float, default=120, help="records a second")
    parser.add_argument("--report", type=Path, default=Path(".aegis/chaos"), help="directory")
    chosen = parser.parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    home = stack_directory("chaos")
    _say(f"chaos: seed {seed}, {chosen.duration:.0f} s, logs in {home / 'logs'}")
    with running_stack() as stack:
        run = ChaosRun(Plan(seed, chosen.duration, chosen.rate), stack, home, _show)
        report = run.run()
    path = report.save(chosen.report)
    _say(report.text())
    _say(f"report: {path}")
    if not report.sound:
        kept = chosen.report / f"chaos-{seed}-{int(time.time())}-logs"
        _say(f"logs of the workers: {shutil.move(home / 'logs', kept)}")
    shutil.rmtree(home, ignore_errors=True)
    return 0 if report.sound else 1


def _show(event: Event) -> None:
    _say(f"{event.at:9.2f}  {event.kind:<16} {event.target:<10} {event.detail}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
