"""The report that a person reads: one page for all jobs that went through the same run."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final

from chaos.report import GAP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos.report import Report

_SHOWN: Final = 40
"""Most findings of a job that are written out; the rest is in its JSON."""


def save_page(reports: Sequence[Report], directory: Path) -> Path:
    """Write the page of a run and return the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"chaos-{reports[0].plan['seed']}.md"
    path.write_text(page(reports), encoding="utf-8")
    return path


def page(reports: Sequence[Report]) -> str:
    """Return the page as markdown."""
    plan = reports[0].plan
    lines = [
        f"# Chaos, seed {plan['seed']}",
        "",
        f"`make chaos SEED={plan['seed']} DURATION={plan['duration']:.0f}` repeats it.",
        "",
        *_verdicts(reports),
        *_counts(reports),
    ]
    for report in reports:
        lines += [f"## {report.plan['job']}", "", *_wrong(report), *_gaps(report)]
        lines += [*_recoveries(report), *_small("Ends of processes", report.exits)]
        lines += _small("Batches undone and repeated", report.undone)
    lines += ["## Every event", "", *_events(reports)]
    return "\n".join(lines) + "\n"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a markdown table and an empty one."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return [lines[0], "| " + " | ".join("---" for _ in head) + " |", *lines[1:], ""]


def _verdicts(reports: Sequence[Report]) -> list[str]:
    rows = [
        (
            report.plan["job"],
            f"{report.plan['duration']:.0f}",
            sum(report.load.values()),
            len(report.findings),
            len(report.faults),
            sum(report.checked.values()),
            "sound" if report.sound else "**not sound**",
        )
        for report in reports
    ]
    head = ("job", "seconds", "inputs", "kinds of findings", "faults", "comparisons", "verdict")
    return table(head, rows)


def _counts(reports: Sequence[Report]) -> list[str]:
    names = dict.fromkeys(name for report in reports for name in report.counts)
    rows = [(name, *(report.counts.get(name, 0) for report in reports)) for name in names]
    shapes = dict.fromkeys(shape for report in reports for shape in sorted(report.load))
    load = [(shape, *(report.load.get(shape, 0) for report in reports)) for shape in shapes]
    jobs = [report.plan["job"] for report in reports]
    cannot = dict.fromkeys(
        event.detail for report in reports for event in report.events if event.kind == "cannot"
    )
    return [
        "## What was done",
        "",
        *table(("event", *jobs), rows),
        *(f"**Cannot be made on this machine:** {reason}\n" for reason in cannot),
        "## Load",
        "",
        *table(("case", *jobs), load),
    ]


def _wrong(report: Report) -> list[str]:
    wrong = [*report.findings, *report.faults]
    if not wrong:
        return ["Nothing is wrong.", ""]
    more = [f"- and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return [*(f"- {each}" for each in wrong[:_SHOWN]), *more, ""]


def _gaps(report: Report) -> list[str]:
    rows: list[tuple[object, ...]] = []
    for stage, partitions in report.gaps.items():
        for partition, gaps in partitions.items():
            lengths = [seconds for _, seconds in gaps] or [0.0]
            rows.append(
                (
                    stage,
                    partition,
                    len(gaps),
                    f"{median(lengths):.1f}",
                    f"{percentile(lengths, 0.99):.1f}",
                    f"{max(lengths):.1f}",
                )
            )
    head = ("stage", "partition", "gaps", "median s", "p99 s", "longest s")
    return [
        f"Silences of {GAP_SECONDS:g} s and more, as a read_committed consumer saw them:",
        "",
        *table(head, rows),
    ]


def _recoveries(report: Report) -> list[str]:
    rows = [
        (
            kind,
            len(found),
            f"{median(found):.1f}",
            f"{percentile(found, 0.99):.1f}",
            f"{max(found):.1f}",
        )
        for kind, found in report.recovery_times().items()
    ]
    said = (
        "From each fault until every partition of every stage after it had shown a record again "
        "(other faults fall into these times):"
    )
    return [
        said,
        "",
        *table(("fault", "times", "median s", "p99 s", "longest s"), rows),
    ]


def _small(title: str, counts: dict[str, int]) -> list[str]:
    said = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    return [f"{title}: {said or 'none'}.", ""]


def _events(reports: Sequence[Report]) -> list[str]:
    lines = []
    for report in reports:
        lines += [f"{report.plan['job']}:", "", "```"]
        lines += [
            f"{event.at:9.2f}  {event.kind:<16} {event.target:<12} {event.detail}".rstrip()
            for event in report.events
        ]
        lines += ["```", ""]
    return lines
