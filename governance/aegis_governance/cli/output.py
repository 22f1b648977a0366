"""What the command line prints: JSON for machines, aligned text for people."""

from __future__ import annotations

import json
import os
import sys
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from aegis_governance.vocabulary import PCWStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aegis_governance.decision.record import Decision

_TEXT_WIDTH: Final = 86
_COLOURS: Final[Mapping[PCWStatus, str]] = {
    PCWStatus.PROCEED: "32",
    PCWStatus.PAUSE: "33",
    PCWStatus.HALT: "31",
    PCWStatus.ESCALATE: "35",
}


def print_json(value: object) -> None:
    """Print ``value`` as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def failure(error: Exception, code: int, message: str = "") -> dict[str, object]:
    """Return what a command with ``--json`` prints in place of a result.

    Args:
        error: Why there is none.
        code: Exit code that stands for it.
        message: More than the error says for itself, if there is more.
    """
    told = {"kind": type(error).__name__, "message": message or str(error)}
    return {"error": told, "exit_code": code}


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return the rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))).rstrip()
        for row in rows
    ]


def decision_lines(decision: Decision, defaulted: Sequence[str]) -> list[str]:
    """Return a decision as text for people."""
    failing = [decision.gates[name].message for name in decision.failing_gates]
    return [
        f"{_status(decision)}  {decision.rationale}",
        "",
        *_gate_lines(decision),
        *_block("failing", failing),
        *_block("constraints", decision.constraints),
        *_block("next", decision.next_steps),
        *_block("override", [" and ".join(decision.override_requires)]),
        *_block("defaulted", wrap(", ".join(defaulted), _TEXT_WIDTH)),
        *_block("decision", [f"{decision.decision_id}  {decision.timestamp}"]),
        *_block("parameters", [f"{decision.parameters_sha256}  evaluator {decision.evaluator}"]),
    ]


def _gate_lines(decision: Decision) -> list[str]:
    rows: list[tuple[str, ...]] = [("gate", "outcome", "value", "threshold", "confidence")]
    for name, report in decision.gates.items():
        numbers = (report.value, report.threshold, report.confidence)
        rows.append((name, report.outcome.value.replace("_", " "), *map(_number, numbers)))
    judged = any(report.passed is not None for report in decision.gates.values())
    return [*table(rows), ""] if judged else []


def _status(decision: Decision) -> str:
    word = decision.status.value.upper()
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        word = f"\033[1;{_COLOURS[decision.status]}m{word}\033[0m"
    return f"{word} (dry run, releases nothing)" if decision.shadow_mode else word


def _block(title: str, lines: Iterable[str]) -> list[str]:
    """The lines that are not empty, indented, with the title before the first."""
    said = [line for line in lines if line]
    heads = [title, *[""] * len(said)]
    return [f"  {head:<12}{line}" for head, line in zip(heads, said)]


def _number(value: float | None) -> str:
    return "-" if value is None else format(value, ".6g")
