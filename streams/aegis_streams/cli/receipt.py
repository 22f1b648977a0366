"""`aegis receipt`: the receipt of any decision, rebuilt from the log and verified."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aegis_governance.errors import UnreadableError
from aegis_streams.cli.arguments import add_trust_option, settings_of
from aegis_streams.cli.finish import OK, command
from aegis_streams.client.errors import NotFoundError, NotSealedError
from aegis_streams.client.receipts import Rebuilt, ReceiptBuilder
from aegis_streams.errors import UnavailableError
from aegis_streams.sink.errors import DatabaseUnreachableError
from aegis_streams.sink.receipts import rebuild_receipt

if TYPE_CHECKING:
    import argparse


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `receipt` to the `aegis` command."""
    parser = subparsers.add_parser(
        "receipt",
        help="rebuild the receipt of a decision from the log",
        description="Rebuild the receipt of a decision from the audit topic, verify it, write it.",
        epilog="Check it anywhere with `aegis verify FILE`. Exit code: 0, 1 if the log is not to "
        "be trusted, 66 without such a decision, 75 if it is not sealed yet.",
    )
    parser.add_argument("decision_id", metavar="DECISION_ID", help="such as d-1f2e3d4c-…")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where to write (default: standard output)",
    )
    parser.add_argument(
        "--database",
        action="store_true",
        help="read the audit database ($AEGIS_DATABASE_URL) and not the topic; without this it is "
        "read when the topic cannot answer",
    )
    add_trust_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


@command("receipt")
def run(args: argparse.Namespace) -> int:
    """Write the receipt; nothing is written unless it was verified."""
    rebuilt = _rebuilt(args)
    if args.output is not None:
        _write(args.output, rebuilt.receipt)
    if args.json:
        print(json.dumps(_as_object(args, rebuilt), default=str))
    elif args.output is None:
        print(rebuilt.receipt.decode("utf-8"), end="")
    else:
        leaf = rebuilt.leaf
        print(
            f"{args.output}: leaf {leaf.index} of {leaf.size} in {leaf.origin}, verified; check "
            f"it with `aegis verify {args.output}`"
        )
    return OK


def _rebuilt(args: argparse.Namespace) -> Rebuilt:
    """Rebuild from the topic, or from the database if that is asked for or all that is left."""
    settings = settings_of(args)
    if args.database:
        return rebuild_receipt(settings, args.decision_id)
    try:
        return ReceiptBuilder.connect(settings).rebuild(args.decision_id)
    except (NotFoundError, UnavailableError) as error:
        if not settings.database_url:
            raise
        try:
            rebuilt = rebuild_receipt(settings, args.decision_id)
        except (NotFoundError, NotSealedError, DatabaseUnreachableError):
            raise error from None
        print(f"from the database; the topic cannot answer: {error}", file=sys.stderr)
        return rebuilt


def _as_object(args: argparse.Namespace, rebuilt: Rebuilt) -> dict[str, object]:
    leaf = rebuilt.leaf
    return {
        "decision_id": args.decision_id,
        "origin": leaf.origin,
        "index": leaf.index,
        "size": leaf.size,
        "root": leaf.root.hex(),
        "output": args.output,
        "receipt": rebuilt.receipt.decode("utf-8"),
    }


def _write(path: Path, receipt: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(receipt)
        temporary.replace(path)
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be written: {error.strerror}") from error
