"""What a run found: a table for people, JSON for programs, and how it stands to the targets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console


class Target(NamedTuple):
    """A figure to reach.

    Attributes:
        name: What it is.
        path: Where it stands in the results.
        value: What is to be reached.
        most: Whether it is an upper bound.
    """

    name: str
    path: tuple[str, ...]
    value: float
    most: bool = False


TARGETS: Final = (
    Target("decide, per CPU-second", ("decide", "per_cpu_second"), 15_000),
    Target("seal, per CPU-second", ("seal", "per_cpu_second"), 30_000),
    Target("decide / bare loop, per second", ("bare", "decide_share", "per_second"), 0.5),
    Target("latency p99, ms", ("latency", "verified_ms", "p99"), 200, most=True),
    Target("failover of decide, s", ("failover", "decide_seconds"), 10, most=True),
    Target("failover of seal, s", ("failover", "seal_seconds"), 10, most=True),
    Target("sink, rows per second", ("sink", "per_second"), 10_000),
    Target("fsck, leaves per second", ("fsck", "per_second"), 50_000),
    Target("restore, s per 1,000,000 keys", ("restore", "seconds_per_million"), 30, most=True),
)


def judged(sections: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the targets of the sections that were measured, with what was found."""
    found = []
    for target in TARGETS:
        value: Any = sections
        for step in target.path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            continue
        worst = max(value) if isinstance(value, list) else value
        met = worst <= target.value if target.most else worst >= target.value
        found.append({"name": target.name, "target": target.value, "value": worst, "met": met})
    return found


def save(path: Path, result: Mapping[str, Any]) -> None:
    """Write the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def show(console: Console, result: Mapping[str, Any]) -> None:
    """Print everything."""
    table = Table("section", "figure", "value", title="make bench")
    for section, figures in result["sections"].items():
        for name, value in _flat(figures):
            table.add_row(section, name, _text(value))
        table.add_section()
    console.print(table)
    targets = Table("target", "wanted", "found", "met")
    for each in result["targets"]:
        met = "yes" if each["met"] else "no"
        targets.add_row(each["name"], _text(each["target"]), _text(each["value"]), met)
    console.print(targets)
    machine, before, after = result["machine"], result["load"]["before"], result["load"]["after"]
    console.print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}")
    console.print(f"load before {before}, after {after}")


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        else:
            yield prefix + name, value


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int | float) else str(value)
