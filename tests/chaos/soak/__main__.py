"""`python -m chaos.soak`: steady load for a long time; memory, handles, lag and disk stay flat.

The report goes to `.aegis/soak/`; the exit code is 0 if everything is flat, else 1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.arena import full_arena
from chaos.soak.run import Soak, SoakPlan
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m chaos.soak", description=__doc__)
    parser.add_argument("--duration", type=float, default=3600, help="seconds of load")
    parser.add_argument("--seed", type=int, default=1, help="draws the load")
    parser.add_argument("--rate", type=float, default=200, help="records a second")
    parser.add_argument("--interval", type=float, help="seconds between samples")
    parser.add_argument("--report", type=Path, default=Path(".aegis/soak"), help="directory")
    chosen = parser.parse_args(arguments)
    interval = chosen.interval or min(30.0, max(1.0, chosen.duration / 120))
    plan = SoakPlan(chosen.seed, chosen.duration, chosen.rate, interval)
    home = stack_directory("soak")
    try:
        with full_arena(sink=True) as arena:
            report = Soak(plan, arena, home, _say).run()
            if not report.flat:
                _keep(home / "logs", chosen.report / f"soak-{plan.seed}-logs")
                _keep(arena.logs, chosen.report / f"soak-{plan.seed}-servers")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    path = report.save(chosen.report)
    _say(report.text())
    _say(f"report: {path}")
    return 0 if report.flat else 1


def _keep(logs: Path, where: Path) -> None:
    shutil.rmtree(where, ignore_errors=True)
    shutil.copytree(logs, where)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
