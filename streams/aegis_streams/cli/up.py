"""`aegis up`: start the local stack and wait until it is ready."""

from __future__ import annotations

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
    parser.set_defaults(run=run)


@command("up")
def run(args: argparse.Namespace) -> int:
    """Start what does not run yet; return 0 once everything is ready."""
    only = [name.strip() for name in args.only.split(",") if name.strip()]
    try:
        with Narrator() as narrator:
            state = bring_up(Layout(home().resolve()), os.environ, only, narrator)
    except KeyboardInterrupt:
        print("aegis up: no longer waiting; `aegis down` stops what was started", file=sys.stderr)
        raise
    names = ", ".join(component.name for component in state.components)
    print(f"the stack is ready ({names}); `aegis status` shows it, `aegis down` stops it")
    return exits.OK
