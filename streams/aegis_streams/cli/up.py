"""`aegis up`: start the local stack and wait until it is ready."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from aegis_codecs.settings import home
from aegis_governance.errors import AegisError
from aegis_streams.stack import Layout, Narrator, bring_up

if TYPE_CHECKING:
    import argparse

EXIT_UNAVAILABLE: Final = 69
EXIT_INTERRUPTED: Final = 130


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


def run(args: argparse.Namespace) -> int:
    """Start what does not run yet; return 0 once everything is ready."""
    layout = Layout(home().resolve())
    only = [name.strip() for name in args.only.split(",") if name.strip()]
    try:
        with Narrator() as narrator:
            state = bring_up(layout, os.environ, only, narrator)
    except AegisError as error:
        print(f"aegis up: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    except KeyboardInterrupt:
        print("aegis up: the stack goes on starting; `aegis down` stops it", file=sys.stderr)
        return EXIT_INTERRUPTED
    names = ", ".join(component.name for component in state.components)
    print(f"the stack is ready ({names}); `aegis status` shows it, `aegis down` stops it")
    return 0
