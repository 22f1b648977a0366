"""`python -m bench.peers`: the decider's work in other engines, then sink and judge, in one run.

The table is printed and written to `.aegis/bench/peers.json`.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from bench import judging, machine, report, sink
from bench.arena import Arena
from bench.peers.figures import show, summarised
from bench.peers.programs import PROGRAMS, Program
from bench.peers.rounds import CONTENDERS, Rounds, Sizes
from bench.plan import Plan
from support.stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BESIDE: Final = ("sink", "fsck")
"""What is measured beside the contenders: rows and leaves a second."""
NAMES: Final = (*CONTENDERS, *BESIDE)
QUICK: Final = Sizes(records=15_000, rounds=1)
"""Shows that everything runs and agrees; its figures say little."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 if a contender's entries are not ours."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("contenders", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="small counts: shows that it runs")
    parser.add_argument("--records", type=int, help="proposals of a backlog")
    parser.add_argument("--rounds", type=int, help="rounds; the median counts")
    parser.add_argument("--output", type=Path, default=Path(".aegis/bench/peers.json"))
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.contenders) - set(NAMES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    names = chosen.contenders or NAMES
    sizes = QUICK if chosen.quick else Sizes()
    sizes = replace(
        sizes,
        records=chosen.records or sizes.records,
        rounds=chosen.rounds or sizes.rounds,
        contenders=tuple(name for name in CONTENDERS if name in names),
    )
    console = Console()

    def say(text: str) -> None:
        console.print(f"bench-peers: {text}", highlight=False)

    folder = chosen.output.parent
    programs = prepared(sizes, folder / "tools", say)
    result = run(sizes, programs, tuple(name for name in BESIDE if name in names), say)
    show(console, result)
    report.save(chosen.output, result)
    console.print(f"written to {chosen.output}")
    return 0 if all_agree(result) else 1


def prepared(sizes: Sizes, tools: Path, say: Callable[[str], None]) -> dict[str, Program]:
    """Build and fetch what the chosen peers need."""
    tools.mkdir(parents=True, exist_ok=True)
    return {
        name: make(tools.resolve(), say)
        for name, make in PROGRAMS.items()
        if name in sizes.contenders
    }


def run(
    sizes: Sizes,
    programs: Mapping[str, Program],
    others: Sequence[str],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Return the results of all rounds, and of what is measured beside them."""
    before, plan = machine.Load.now(), Plan(records=sizes.records, rounds=sizes.rounds)
    beside: dict[str, Any] = {}
    with running_stack() as stack, closing(Arena(stack, say)) as arena:
        rounds = Rounds(arena, sizes, programs)
        if sizes.contenders:
            rounds.run()
        if "fsck" in others:
            arena.fresh()
            beside["fsck"] = judging.rates(arena, plan)
    if "sink" in others:
        beside["sink"] = sink.measure(plan, say)
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine.facts(),
        "load": {"before": before._asdict(), "after": machine.Load.now()._asdict()},
        "sizes": asdict(sizes),
        "contenders": summarised(rounds.rates, rounds.agreement),
        "beside": beside,
    }


def all_agree(result: Mapping[str, Any]) -> bool:
    """Whether every compared entry was the same bytes as the decider's."""
    found = [one["agreement"] for one in result["contenders"].values() if "agreement" in one]
    return all(each["equal"] == each["entries"] > 0 for each in found)


if __name__ == "__main__":
    sys.exit(main())
