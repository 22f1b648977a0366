"""The figures of the rounds: medians, ratios within a round, and a table."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench.meter import Rate, summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from bench.peers.agreement import Agreement

_AGAINST: Final = ("decide", "decide+seal")


def summarised(
    rates: Mapping[str, Sequence[Rate]], agreement: Mapping[str, Agreement]
) -> dict[str, Any]:
    """Return the figures of each contender, with how many times as much ours do."""
    found: dict[str, Any] = {}
    for name, rounds in rates.items():
        found[name] = summary(rounds)
        for mine in _AGAINST:
            if mine in rates and name not in {mine, "seal"}:
                found[name][f"{mine}_times"] = _times(rates[mine], rounds)
        if name in agreement:
            found[name]["agreement"] = agreement[name]._asdict()
    return found


def _times(ours: Sequence[Rate], theirs: Sequence[Rate]) -> dict[str, float]:
    """How many times the rate of theirs ours is: the median of the ratios within each round."""
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "per_second": round(median(o.per_second / t.per_second for o, t in pairs), 2),
        "per_cpu_second": round(median(o.per_cpu_second / t.per_cpu_second for o, t in pairs), 2),
    }


def show(console: Console, result: Mapping[str, Any]) -> None:
    """Print the table."""
    table = Table("contender", "/s", "/CPU-s", "cores", title="make bench-peers")
    for heading in ("decide is", "decide+seal is", "entries as ours"):
        table.add_column(heading)
    for name, one in result["contenders"].items():
        agreed = one.get("agreement")
        table.add_row(
            name,
            f"{one['per_second']:,}",
            f"{one['per_cpu_second']:,}",
            str(one["cores_used"]),
            *(_ratio(one.get(f"{mine}_times")) for mine in _AGAINST),
            "" if agreed is None else f"{agreed['equal']:,} of {agreed['entries']:,}",
        )
    console.print(table)
    for name, one in result["beside"].items():
        console.print(f"{name}: {json.dumps(one)}", highlight=False)
    load = result["load"]
    console.print(f"load before {load['before']}, after {load['after']}", highlight=False)


def _ratio(times: Mapping[str, float] | None) -> str:
    return "" if times is None else f"{times['per_second']} x, {times['per_cpu_second']} x CPU"
