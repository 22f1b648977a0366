"""`aegis worker decide|seal`: what a container runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aegis_streams.cli.finish import command
from aegis_streams.settings import Settings

if TYPE_CHECKING:
    import argparse


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "worker", help="run one worker", description="Run one worker until it is told to stop."
    )
    parser.add_argument("role", choices=("decide", "seal"), help="which worker")
    parser.add_argument(
        "--slot",
        type=int,
        default=0,
        metavar="N",
        help="number of this worker among its peers, such as a pod's ordinal (default 0)",
    )
    parser.add_argument(
        "--json", action="store_true", help="report an error that ends it as one JSON object"
    )
    parser.set_defaults(run=_run)


@command("worker")
def _run(args: argparse.Namespace) -> int:
    from aegis_streams.worker.run import Role, run  # noqa: PLC0415  # Faust is loaded when needed

    return run(cast("Role", args.role), Settings.load(), args.slot)
