"""`aegis down`: stop the local stack, and on request remove its data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from aegis_codecs.settings import home
from aegis_governance.errors import AegisError
from aegis_streams.stack import Layout, Narrator, take_down, wipe

if TYPE_CHECKING:
    import argparse

EXIT_UNAVAILABLE: Final = 69


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `down` to the `aegis` command."""
    parser = subparsers.add_parser("down", help="stop the local stack (its data stays)")
    parser.add_argument(
        "--wipe",
        action="store_true",
        help="remove its data too: the log, its keys, the trust file",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Stop everything that runs; return 0 once nothing does."""
    layout = Layout(home().resolve())
    try:
        with Narrator() as narrator:
            stopped = take_down(layout, narrator)
        if args.wipe:
            wipe(layout)
    except (AegisError, OSError) as error:
        print(f"aegis down: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    print("the stack is stopped" if stopped else "nothing was running")
    if args.wipe:
        print(f"the data in {layout.home} is removed")
    return 0
