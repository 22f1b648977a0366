"""`aegis up`: start the local stack and wait until it is ready."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from aegis_codecs.settings import home
from aegis_governance.cli import exits
from aegis_streams.cli.finish import command
from aegis_streams.stack import Layout, Narrator, bring_up

if TYPE_CHECKING:
    import argparse


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `up` to the `aegis` command."""
    parser = subparsers.add_parser("up", help="start the local stack: Kafka, registry, workers")
    parser.add_argument(
        "--only",
        metavar="NAMES",
        default="",
        help="run only these components and what they need, for instance kafka,registry",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


@command("up")
def run(args: argparse.Namespace) -> int:
    """Start what does not run yet; return 0 once everything is ready."""
    only = [name.strip() for name in args.only.split(",") if name.strip()]
    layout = Layout(home().resolve())
    try:
        with Narrator() as narrator:
            state = bring_up(layout, os.environ, only, narrator)
    except KeyboardInterrupt:
        print("aegis up: no longer waiting; `aegis down` stops what was started", file=sys.stderr)
        raise
    names = [component.name for component in state.components]
    if args.json:
        print(json.dumps({"ready": True, "home": str(layout.home), "components": names}))
    else:
        print(
            f"the stack is ready ({', '.join(names)}); `aegis status` shows it, `aegis down` stops "
            "it"
        )
    return exits.OK
