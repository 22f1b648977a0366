"""`aegis consistency`: prove, and check, that a log continues an earlier checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from aegis_codecs.errors import CouldNotCheckError
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_governance.errors import UnreadableError
from aegis_streams.cli.arguments import add_trust_option, settings_of
from aegis_streams.cli.finish import OK, command
from aegis_streams.client.consistency import (
    ConsistencyProver,
    check_consistency,
    checkpoint_in,
)

if TYPE_CHECKING:
    import argparse

    from aegis_codecs.log.checkpoint import Checkpoint


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `consistency` to the `aegis` command."""
    parser = subparsers.add_parser(
        "consistency",
        help="prove that a log continues an earlier checkpoint",
        description="Prove, from the leaves, that a log continues an earlier checkpoint; or check "
        "such a proof offline.",
        epilog="The proof is in the form of a C2SP tlog-witness add-checkpoint request. Exit code: "
        "0, 1 not trusted, 2 could not check.",
    )
    verbs = parser.add_subparsers(dest="consistency_verb", required=True, metavar="VERB")
    prove = verbs.add_parser("prove", help="make a proof from the audit topic")
    prove.add_argument("old", type=Path, metavar="OLD", help="a kept checkpoint or receipt")
    prove.add_argument(
        "new",
        type=Path,
        nargs="?",
        metavar="NEW",
        help="a later one (default: the newest on the topic)",
    )
    prove.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    prove.set_defaults(run=_prove)
    check = verbs.add_parser("check", help="check a proof offline, from the trust file")
    check.add_argument("old", type=Path, metavar="OLD", help="a kept checkpoint or receipt")
    check.add_argument("proof", type=Path, metavar="PROOF", help="what `prove` wrote")
    check.set_defaults(run=_check)
    for each in (prove, check):
        add_trust_option(each)
        each.add_argument("--json", action="store_true", help="print one JSON object")


@command("consistency")
def _prove(args: argparse.Namespace) -> int:
    old = checkpoint_in(_read(args.old))
    new = None if args.new is None else checkpoint_in(_read(args.new))
    settings = settings_of(args)
    proof = ConsistencyProver.connect(settings).prove(old, new)
    data = proof.to_bytes()
    found = check_consistency(old, data, Verifier(load_trust(settings.trust_file)))
    if args.output is not None:
        try:
            args.output.write_bytes(data)
        except OSError as error:
            raise UnreadableError(f"{args.output}: cannot be written: {error.strerror}") from error
    if args.output is None and not args.json:
        print(data.decode(), end="")
    else:
        _tell(args, proof.old_size, found, data)
    return OK


@command("consistency")
def _check(args: argparse.Namespace) -> int:
    old, proof = checkpoint_in(_read(args.old)), _read(args.proof)
    verifier = Verifier(load_trust(settings_of(args).trust_file))
    found = check_consistency(old, proof, verifier)
    _tell(args, verifier.verify_checkpoint(old).size, found, proof)
    return OK


def _tell(args: argparse.Namespace, old_size: int, new: Checkpoint, proof: bytes) -> None:
    if args.json:
        told = {
            "origin": new.origin,
            "old_size": old_size,
            "size": new.size,
            "root": new.root.hex(),
            "proof": proof.decode(),
        }
        print(json.dumps(told))
    else:
        print(
            f"verified: {new.origin} with {new.size} leaves continues the checkpoint of {old_size}"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CouldNotCheckError(f"{path}: cannot be read: {error.strerror}") from error
