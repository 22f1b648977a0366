"""What `aegis run` shows: tables of answers, sums, and what to type next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from aegis_streams.cli.show import STYLES, place, why

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_streams.client.demo import Answer, DemoResult
    from aegis_streams.sink.summary import Summary

SHOWN_CHANGES: Final = 20
"""Newest changes of the repository that the table shows."""
ORDER: Final = ("proceed", "pause", "halt", "escalate", "repeated", "rejected")


def result_tables(result: DemoResult) -> list[Table]:
    """Return a table of the repository's changes and one of the edge cases."""
    tables = []
    if result.changes:
        shown = result.changes[-SHOWN_CHANGES:]
        title = f"Changes of the repository: {len(shown)} of {len(result.changes)}, newest last"
        tables.append(_table(title, shown))
    tables.append(_table("Edge cases", result.cases))
    return tables


def database_table(stored: Summary) -> Table:
    """Return what the audit database holds: its sums and the newest decisions."""
    sums = ", ".join(f"{number} {kind}" for kind, number in stored.kinds.items())
    title = f"PostgreSQL: {sums}; {stored.checkpoints} checkpoints, {stored.quarantined} refused"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("time", "leaf", "agent", "decision", "decided", "failing gates"):
        table.add_column(name, no_wrap=name != "failing gates")
    for row in stored.newest:
        status = Text(row.status, STYLES[row.status])
        table.add_row(row.time, row.place, Text(row.agent_id), row.decision_id, status, row.failing)
    return table


def counts(result: DemoResult) -> dict[str, int]:
    """Return how often each status was decided, and how many were repeats or rejected."""
    found = Counter(_word(answer) for answer in (*result.changes, *result.cases))
    return {word: found[word] for word in ORDER}


def next_steps(result: DemoResult, program: str) -> Text:
    """Return the sums and what to type next.

    Args:
        result: What came of everything.
        program: How this program is called here.
    """
    answers = (*result.changes, *result.cases)
    verified = sum(answer.outcome.decision is not None for answer in answers)
    sums = ", ".join(f"{number} {word}" for word, number in counts(result).items() if number)
    text = Text(f"{len(answers)} proposals: {sums}. {verified} decisions verified.\n", "bold")
    known = [answer.outcome.decision_id for answer in answers if answer.outcome.decision]
    if any(_word(answer) == "repeated" for answer in result.changes):
        text.append("Repeated: decided by an earlier run; the first decision holds.\n", "default")
    unread = [answer.outcome.decision_id for answer in answers if _is_unread(answer)]
    if unread:
        text.append(
            f"{len(unread)} of them lie too far back and were not verified here; `{program} "
            f"receipt {unread[0]}` verifies one.\n",
            "default",
        )
    text.append("\nType next:\n", "default")
    rows = _suggestions(known[-1] if known else "DECISION_ID")
    width = max(len(arguments) for arguments, _ in rows)
    for arguments, purpose in rows:
        text.append(f"  {program} {arguments:<{width}}", "cyan").append(f"  {purpose}\n", "dim")
    return text


def _suggestions(decision_id: str | None) -> tuple[tuple[str, str], ...]:
    return (
        ("watch --from earliest", "every decision, verified as it is read"),
        (f"receipt {decision_id} -o r.tlog-proof", "its receipt, from the log"),
        ("verify r.tlog-proof", "checked offline, from the trust file alone"),
        (f"receipt {decision_id} --database", "the same from PostgreSQL"),
        ("submit --git PATH", "another repository"),
        ("status", "what runs"),
        ("down", "stop it; the data stays"),
    )


def _table(title: str, answers: Sequence[Answer]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("proposal", max_width=44, no_wrap=True, overflow="ellipsis")
    table.add_column("decided")
    table.add_column("why", ratio=1, overflow="fold")
    table.add_column("verified, leaf", no_wrap=True)
    for answer in answers:
        table.add_row(*_cells(answer))
    return table


def _cells(answer: Answer) -> tuple[str | Text, ...]:
    outcome, word = answer.outcome, _word(answer)
    decision = outcome.decision
    if decision is None:
        reason = ": ".join(part for part in (outcome.reason, outcome.detail) if part)
        proof = Text(
            "no decision, a leaf only" if word == "rejected" else "not verified here", "dim"
        )
    else:
        reason = f"{decision.status}: {why(decision)}" if word == "repeated" else why(decision)
        proof = Text(f"✓ {place(decision)}", "green")
    if not answer.as_expected:
        reason += f" (expected: {answer.expect})"
    return Text(answer.title), Text(word, STYLES[word]), Text(reason), proof


def _word(answer: Answer) -> str:
    """Return the status, or repeated, or rejected."""
    return answer.result.split()[0]


def _is_unread(answer: Answer) -> bool:
    return answer.outcome.decision_id is not None and answer.outcome.decision is None
