"""`aegis verify`: check receipts offline, from a trust file alone."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aegis_codecs import settings
from aegis_codecs.errors import CodecError, CouldNotCheckError, DecodeError, NotTrustedError
from aegis_codecs.log.receipt import MAX_RECEIPT_BYTES
from aegis_codecs.records import bodies
from aegis_codecs.release import require_proceed
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import VerifiedLeaf, Verifier

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

VERIFIED: Final = 0
"""Exit code when every file was verified."""

_WORST_FIRST: Final = (NotTrustedError.exit_code, CouldNotCheckError.exit_code, VERIFIED)
_MARKS: Final = {
    VERIFIED: "verified",
    NotTrustedError.exit_code: "NOT TRUSTED",
    CouldNotCheckError.exit_code: "could not check",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `verify` to the `aegis` command."""
    parser = subparsers.add_parser(
        "verify",
        help="check receipts offline",
        description="Check receipts offline, from a trust file alone.",
        epilog="Exit code: 0 all verified, 1 one is not trusted, 2 one could not be checked.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="receipt (.tlog-proof)")
    parser.add_argument(
        "--trust",
        type=Path,
        default=None,
        help="who is believed (default $AEGIS_TRUST_FILE or .aegis/trust.json)",
    )
    parser.add_argument(
        "--require",
        choices=["proceed"],
        help="also demand that the decision permits its proposal now: PROCEED, enforced, valid",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, clock: Callable[[], float] = time.time) -> int:
    """Verify every file, print a finding for each, and return the worst exit code.

    Args:
        args: What `register` describes.
        clock: POSIX seconds; read only for ``--require proceed``.
    """
    try:
        verifier = Verifier(load_trust(args.trust or settings.trust_file()))
    except CouldNotCheckError as error:
        if args.json:
            for path in args.files:
                print(_as_json(path, _failure(error)))
        else:
            print(f"aegis verify: {error}", file=sys.stderr)
        return error.exit_code
    codes = []
    for path in args.files:
        try:
            report = _verify_file(verifier, path, args.require, clock)
        except (NotTrustedError, CouldNotCheckError) as error:
            report = _failure(error)
        codes.append(report["exit_code"])
        print(_as_json(path, report) if args.json else _as_text(path, report))
    return next(code for code in _WORST_FIRST if code in codes)


def _verify_file(
    verifier: Verifier, path: Path, require: str | None, clock: Callable[[], float]
) -> dict[str, Any]:
    leaf = verifier.verify_receipt(_read(path))
    report: dict[str, Any] = {
        "exit_code": VERIFIED,
        "origin": leaf.origin,
        "index": leaf.index,
        "size": leaf.size,
        "root": leaf.root.hex(),
    }
    kind, fields = _decoded(leaf, require)
    if require == "proceed":
        require_proceed(kind, fields, int(clock() * 1000))
    return report | {"kind": kind, "body": fields}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise CouldNotCheckError(f"cannot be read: {error.strerror}") from error


def _decoded(leaf: VerifiedLeaf, require: str | None) -> tuple[str, dict[str, Any]]:
    """Return kind and fields of a verified body; one of unknown kind is genuine all the same."""
    try:
        body = bodies.decode(leaf.body)
    except DecodeError as error:
        if require:
            raise CouldNotCheckError(
                f"the leaf is genuine, its body is unreadable here: {error}"
            ) from error
        return "unknown", {}
    return body.kind, dict(body.fields)


def _failure(error: CodecError) -> dict[str, Any]:
    report: dict[str, Any] = {"exit_code": CouldNotCheckError.exit_code, "message": str(error)}
    if isinstance(error, NotTrustedError):
        report |= {"exit_code": error.exit_code, "finding": str(error.finding)}
    return report


def _as_json(path: Path, report: dict[str, Any]) -> str:
    result = _MARKS[report["exit_code"]].lower().replace(" ", "_")
    return json.dumps({"file": str(path), "result": result, **report}, default=bytes.hex)


def _as_text(path: Path, report: dict[str, Any]) -> str:
    mark = _MARKS[report["exit_code"]]
    if "message" in report:
        return f"{mark}: {path}: {report['message']}"
    body = report["body"]
    about = [report["kind"], body.get("status"), body.get("decision_id"), body.get("proposal_id")]
    told = " ".join(str(word) for word in about if word)
    return (
        f"{mark}: {path}: {told}, leaf {report['index']} of {report['size']} in {report['origin']}"
    )
