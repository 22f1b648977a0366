"""`aegis topics ensure|describe`: make or check topics, schemas and genesis."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from aegis_streams.cli.finish import command
from aegis_streams.settings import Settings
from aegis_streams.topics import ensure
from aegis_streams.topics.describe import TopicState, describe

if TYPE_CHECKING:
    import argparse


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "topics",
        help="create or check topics and schemas",
        description="Create or check topics, schemas and genesis.",
    )
    verbs = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text, run in (
        ("ensure", "make what is missing, open an empty deployment, check the rest", _ensure),
        ("describe", "show topics, settings and how many records they hold", _describe),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("--json", action="store_true", help="machine output")
        verb.set_defaults(run=run)


@command("topics")
def _ensure(args: argparse.Namespace) -> int:
    report = ensure(Settings.load())
    genesis = report.genesis
    if args.json:
        print(json.dumps({**report._asdict(), "genesis": genesis._asdict()}))
        return 0
    print(f"topics   {len(report.created)} made, {len(report.existing)} in place")
    print(f"schemas  {', '.join(f'{name} {number}' for name, number in report.schemas.items())}")
    print(f"genesis  {genesis.state}; parameters {genesis.parameters_sha256[:16]}")
    if genesis.differs:
        print(
            f"warning: the parameters file hashes to {genesis.file_sha256[:16]}; files matter at "
            f"genesis only, {genesis.parameters_sha256[:16]} stays active",
            file=sys.stderr,
        )
    return 0


@command("topics")
def _describe(args: argparse.Namespace) -> int:
    states = describe(Settings.load())
    if args.json:
        print(json.dumps([state._asdict() for state in states]))
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("topic", "partitions", "offsets", "kept", "timestamps", "fault"):
        numeric = name in ("partitions", "offsets")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=name == "topic")
    for state in states:
        table.add_row(*_row(state))
    Console().print(table)
    return 0 if all(not state.fault for state in states) else 1


def _row(state: TopicState) -> tuple[str, ...]:
    return (
        state.topic,
        str(state.partitions),
        str(state.offsets),
        state.kept,
        state.timestamps,
        state.fault or "-",
    )
