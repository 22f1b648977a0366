"""`aegis down`: stop the local stack, and on request remove its data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aegis_codecs.settings import home
from aegis_governance.cli import exits
from aegis_streams.cli.finish import command
from aegis_streams.stack import Layout, Narrator, take_down, wipe

if TYPE_CHECKING:
    import argparse


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `down` to the `aegis` command."""
    parser = subparsers.add_parser("down", help="stop the local stack (its data stays)")
    parser.add_argument(
        "--wipe",
        action="store_true",
        help="remove its data too: the log, its keys, the trust file",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


@command("down")
def run(args: argparse.Namespace) -> int:
    """Stop everything that runs; return 0 once nothing does."""
    layout = Layout(home().resolve())
    with Narrator() as narrator:
        stopped = take_down(layout, narrator)
    if not args.json:
        print("the stack is stopped" if stopped else "nothing was running")
    if args.wipe:
        wipe(layout)
    if args.json:
        print(json.dumps({"stopped": stopped, "wiped": args.wipe, "home": str(layout.home)}))
    elif args.wipe:
        print(f"the data in {layout.home} is removed")
    return exits.OK
