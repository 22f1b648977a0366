"""`aegis receipt`: the receipt of any decision, rebuilt from the log and verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from aegis_governance.errors import UnreadableError
from aegis_streams.cli.arguments import add_trust_option, settings_of
from aegis_streams.cli.finish import OK, command
from aegis_streams.client.receipts import Rebuilt, ReceiptBuilder

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
    add_trust_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


@command("receipt")
def run(args: argparse.Namespace) -> int:
    """Write the receipt; nothing is written unless it was verified."""
    rebuilt = ReceiptBuilder.connect(settings_of(args)).rebuild(args.decision_id)
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
