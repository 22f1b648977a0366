"""`python -m bench`: measure the stream on servers of its own.

The results are printed and written to `.aegis/bench/latest.json`.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench import live, machine, report, sink
from bench.arena import Arena
from bench.budget import Budget
from bench.judging import judging
from bench.plan import SECTIONS, Plan
from bench.throughput import Throughput
from support.stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_THROUGHPUT = frozenset({"decide", "bare", "seal", "together", "disk"})
_LIVE: dict[str, Callable[[Arena, Plan], dict[str, Any]]] = {
    "latency": live.latency,
    "failover": live.failover,
    "restore": live.restore,
    "fsck": judging,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="small counts: shows that it runs")
    parser.add_argument("--records", type=int, help="proposals of a backlog")
    parser.add_argument("--rounds", type=int, help="backlogs; the median counts")
    parser.add_argument("--output", type=Path, default=Path(".aegis/bench/latest.json"))
    parser.add_argument("--judged", type=int, help="leaves of the judge's synthetic log")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    plan = Plan.quick() if chosen.quick else Plan()
    plan = replace(
        plan,
        sections=tuple(chosen.sections) or SECTIONS,
        records=chosen.records or plan.records,
        rounds=chosen.rounds or plan.rounds,
        judged=chosen.judged or plan.judged,
    )
    console = Console()
    result = run(plan, lambda text: console.print(f"bench: {text}", highlight=False))
    report.show(console, result)
    report.save(chosen.output, result)
    console.print(f"written to {chosen.output}")
    return 0


def run(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Return the results of a plan."""
    before = machine.Load.now()
    sections: dict[str, Any] = {}
    if "budget" in plan.sections:
        sections["budget"] = Budget(plan).run()
    if set(plan.sections) - {"budget", "sink"}:
        _on_a_stack(plan, say, sections)
    if "sink" in plan.sections:
        sections["sink"] = sink.measure(plan, say)
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine.facts(),
        "load": {"before": before._asdict(), "after": machine.Load.now()._asdict()},
        "plan": asdict(plan),
        "sections": sections,
        "targets": report.judged(sections),
    }


def _on_a_stack(plan: Plan, say: Callable[[str], None], sections: dict[str, Any]) -> None:
    with running_stack() as stack, closing(Arena(stack, say)) as arena:
        if _THROUGHPUT & set(plan.sections):
            sections.update(Throughput(arena, plan).run())
        for name, measure in _LIVE.items():
            if name in plan.sections:
                arena.fresh()
                sections[name] = measure(arena, plan)


if __name__ == "__main__":
    sys.exit(main())
