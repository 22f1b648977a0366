"""`aegis watch`: decisions as they come, each verified before it is shown."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from rich.console import Console

from aegis_streams.cli.arguments import (
    add_trust_option,
    positive_integer,
    positive_number,
    settings_of,
)
from aegis_streams.cli.finish import NOT_TRUSTED, OK, command
from aegis_streams.cli.show import as_json, as_line, as_text
from aegis_streams.client.consumer import VerifyingDecisionConsumer
from aegis_streams.client.decisions import RefusedDecision

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from aegis_streams.client.decisions import VerifiedDecision

POLL_SECONDS: Final = 0.5


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `watch` to the `aegis` command."""
    parser = subparsers.add_parser(
        "watch",
        help="show decisions, each verified as it arrives",
        description="Show decisions as they arrive, each verified against the trust file.",
        epilog="Exit code: 0, or 1 if something shown is not to be trusted.",
    )
    parser.add_argument(
        "--from",
        dest="start",
        choices=["earliest", "latest"],
        default="latest",
        help="where to begin (default latest: only what comes from now on)",
    )
    parser.add_argument(
        "--limit", type=positive_integer, metavar="N", help="stop after N decisions"
    )
    parser.add_argument(
        "--timeout",
        type=positive_number,
        metavar="S",
        help="stop when nothing has arrived for S seconds (default: never)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per decision")
    add_trust_option(parser)
    parser.set_defaults(run=run)


@command("watch")
def run(args: argparse.Namespace) -> int:
    """Show decisions until a limit, silence or an interrupt ends it."""
    show = _printer(json=args.json)
    code = OK
    with VerifyingDecisionConsumer.connect(settings_of(args), start=args.start) as decisions:
        for found in arriving(decisions.poll, args.limit, args.timeout):
            show(found)
            if isinstance(found, RefusedDecision):
                code = NOT_TRUSTED
    return code


def arriving(
    poll: Callable[[float], list[VerifiedDecision | RefusedDecision]],
    limit: int | None,
    silence: float | None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[VerifiedDecision | RefusedDecision]:
    """Yield what arrives until so many did, or nothing came for so many seconds."""
    count, last = 0, clock()
    while (limit is None or count < limit) and (silence is None or clock() - last < silence):
        for found in poll(POLL_SECONDS if silence is None else min(POLL_SECONDS, silence)):
            yield found
            count, last = count + 1, clock()
            if count == limit:
                return


def _printer(*, json: bool) -> Callable[[VerifiedDecision | RefusedDecision], None]:
    if json:
        return lambda found: print(as_json(found), flush=True)
    if not sys.stdout.isatty():
        return lambda found: print(as_line(found), flush=True)
    console = Console(highlight=False, soft_wrap=True)
    return lambda found: console.print(as_text(found))
