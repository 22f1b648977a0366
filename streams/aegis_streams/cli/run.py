"""`aegis run`: everything once, to be seen: a stack, real proposals, verified decisions.

What `make run` calls. Starts the local stack if it does not run, submits the history of a git
repository and the bundled edge cases, and shows what became of each.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from aegis_codecs.settings import home
from aegis_streams.cli.arguments import positive_integer
from aegis_streams.cli.finish import NOT_TRUSTED, OK, command
from aegis_streams.cli.run_table import counts, database_table, next_steps, result_tables
from aegis_streams.cli.show import as_object
from aegis_streams.client.demo import Answer, Demo, DemoResult
from aegis_streams.client.feed import OutcomeFeed
from aegis_streams.client.outcomes import OutcomeTracker
from aegis_streams.client.past import PastDecisions
from aegis_streams.client.producer import ProposalProducer
from aegis_streams.settings import Settings
from aegis_streams.sink.errors import DatabaseUnreachableError
from aegis_streams.sink.summary import await_decisions, summary
from aegis_streams.sources.edge_cases import edge_cases
from aegis_streams.sources.errors import HistoryError
from aegis_streams.sources.git import git_proposals, newest
from aegis_streams.stack import Layout, Narrator, bring_up

if TYPE_CHECKING:
    import argparse

    from aegis_streams.sink.summary import Summary

DEFAULT_LIMIT: Final = 200
"""Newest changes of the repository that are submitted."""
ROWS_SECONDS: Final = 30.0
"""How long the rows of the decisions may take until they are in the database."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run` to the `aegis` command."""
    parser = subparsers.add_parser(
        "run",
        help="start the local stack, decide real proposals, show them verified",
        description="Start the local stack, submit a git history and the bundled edge cases, and "
        "show the decisions, each verified.",
        epilog="Exit code: 0, or 1 if something shown is not to be trusted or an edge case did not "
        "come out as it has to.",
    )
    parser.add_argument(
        "--git", type=Path, default=Path(), metavar="PATH", help="the repository (default: here)"
    )
    parser.add_argument(
        "--limit",
        type=positive_integer,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"only the newest N changes (default {DEFAULT_LIMIT})",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


@command("run")
def run(args: argparse.Namespace) -> int:
    """Do everything once and show it."""
    with Narrator() as narrator:
        bring_up(Layout(home().resolve()), os.environ, [], narrator)
        result = _decided(args, Settings.load(), narrator)
        stored = _stored(result, Settings.load(), narrator)
    if args.json:
        print(json.dumps(_as_object(result, stored), ensure_ascii=False, default=bytes.hex))
    else:
        _show(result, stored)
    return _verdict(result)


def _verdict(result: DemoResult) -> int:
    """Return the exit code; name what did not come out as it had to."""
    wrong = [case for case in result.cases if not case.as_expected]
    for case in wrong:
        print(
            f"aegis run: {case.title}: {case.result}, expected {case.expect}; are the parameters "
            "other than at genesis?",
            file=sys.stderr,
        )
    return NOT_TRUSTED if result.refused or wrong else OK


def _decided(args: argparse.Namespace, settings: Settings, narrator: Narrator) -> DemoResult:
    changes = _changes(args.git, args.limit, narrator)
    cases = edge_cases(f"{time.time_ns() // 1_000_000:x}")
    narrator.step(f"submitting {len(changes)} changes and {len(cases)} edge cases")
    tracker = OutcomeTracker()
    with OutcomeFeed.connect(settings, tracker) as feed:
        producer = ProposalProducer.connect(settings, tracker.sent)
        past = PastDecisions.connect(settings).find
        demo = Demo(producer, feed, tracker, past=past, progress=narrator.detail)
        return demo.run(changes, cases)


def _changes(path: Path, limit: int, narrator: Narrator) -> list[dict[str, Any]]:
    try:
        return list(newest(git_proposals(path), limit))
    except HistoryError as error:
        narrator.step(f"no changes to submit: {error}")
        return []


def _stored(result: DemoResult, settings: Settings, narrator: Narrator) -> Summary | None:
    """Return what the audit database holds once the decisions are in it; None without one."""
    answers = (*result.changes, *result.cases)
    decided = [each.outcome.decision_id for each in answers if each.outcome.decision is not None]
    narrator.detail("waiting for the rows in the database")
    try:
        wanted = [decision for decision in decided if decision is not None]
        if not await_decisions(settings.database_url, wanted, ROWS_SECONDS):
            narrator.step(f"not every decision is in the database after {ROWS_SECONDS:.0f} s")
        return summary(settings.database_url)
    except DatabaseUnreachableError as error:
        narrator.step(str(error))
        return None


def _show(result: DemoResult, stored: Summary | None) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    for table in result_tables(result):
        console.print(table)
        console.print()
    for refused in result.refused:
        console.print(f"NOT TRUSTED: {refused.finding}: {refused.message}", style="bold red")
    if stored is not None:
        console.print(database_table(stored))
        console.print()
    program = "aegis" if shutil.which("aegis") else str(Path(sys.argv[0]))
    console.print(next_steps(result, program), soft_wrap=True)


def _as_object(result: DemoResult, stored: Summary | None) -> dict[str, Any]:
    return {
        "changes": [_answer(answer) for answer in result.changes],
        "cases": [_answer(answer) for answer in result.cases],
        "refused": [as_object(refused) for refused in result.refused],
        "counts": counts(result),
        "database": None if stored is None else _summary(stored),
    }


def _summary(stored: Summary) -> dict[str, Any]:
    return {**stored._asdict(), "newest": [row._asdict() for row in stored.newest]}


def _answer(answer: Answer) -> dict[str, Any]:
    outcome = answer.outcome
    return {
        "title": answer.title,
        "result": answer.result,
        "as_expected": answer.as_expected,
        "decision_id": outcome.decision_id,
        "partition": outcome.sent.partition,
        "offset": outcome.sent.offset,
        "decision": None if outcome.decision is None else as_object(outcome.decision),
    }
