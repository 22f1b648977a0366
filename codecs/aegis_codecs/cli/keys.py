"""`aegis keys`: make signing keys, show the public ones."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aegis_codecs import settings
from aegis_codecs.errors import KeyFileError, TrustFileError
from aegis_codecs.keys import LogKeys, generate_log_keys, load_log_keys
from aegis_codecs.log.note import is_key_name
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_codecs.trust_file import render_trust
from aegis_governance.cli.output import failure

if TYPE_CHECKING:
    import argparse

EXIT_USAGE: Final = 64
EXIT_KEY_FILE: Final = 65
"""A key file cannot be read, or must not be written."""

_EPOCH: Final = re.compile(r"([^/]+)/([^/]+)/([1-9][0-9]{0,6})")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `keys` to the `aegis` command."""
    parser = subparsers.add_parser("keys", help="make signing keys, show the public ones")
    verbs = parser.add_subparsers(dest="keys_verb", required=True, metavar="VERB")
    generate = verbs.add_parser("generate", help="make this region's log keys (never overwrites)")
    generate.set_defaults(run=_generate)
    public = verbs.add_parser("public", help="print the public keys of logs, or a trust file")
    public.add_argument(
        "origins",
        nargs="+",
        metavar="ORIGIN",
        help="DEPLOYMENT/REGION/EPOCH/PARTITION; with --trust DEPLOYMENT/REGION/EPOCH",
    )
    public.add_argument(
        "--trust", action="store_true", help="print a trust file that believes these epochs"
    )
    public.add_argument(
        "--partitions", type=int, default=4, help="logs per epoch, with --trust (default 4)"
    )
    public.set_defaults(run=_public)
    for each in (generate, public):
        each.add_argument(
            "--dir",
            type=Path,
            default=None,
            help="directory of the keys (default $AEGIS_KEYS_DIR or .aegis/keys)",
        )
        each.add_argument("--json", action="store_true", help="print one JSON object")


def _generate(args: argparse.Namespace) -> int:
    directory: Path = args.dir or settings.keys_dir()
    try:
        keys = generate_log_keys(directory)
    except KeyFileError as error:
        return _report("generate", error, EXIT_KEY_FILE, as_json=args.json)
    names = [name for name, _ in keys.public_keys()]
    if args.json:
        print(json.dumps({"directory": str(directory), "algorithms": names}))
    else:
        print(
            f"made log keys ({' and '.join(names)}) in {directory}; whoever reads them can sign "
            "for every log"
        )
    return 0


def _public(args: argparse.Namespace) -> int:
    try:
        keys = load_log_keys(args.dir or settings.keys_dir())
        if args.trust:
            shown = _trust_file(keys, args.origins, args.partitions)
        else:
            shown = _vkeys(keys, args.origins, as_json=args.json)
    except KeyFileError as error:
        return _report("public", error, EXIT_KEY_FILE, as_json=args.json)
    except (ValueError, TrustFileError) as error:
        return _report("public", error, EXIT_USAGE, as_json=args.json)
    print(shown)
    return 0


def _report(verb: str, error: Exception, code: int, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(failure(error, code)))
    else:
        print(f"aegis keys {verb}: {error}", file=sys.stderr)
    return code


def _vkeys(keys: LogKeys, origins: list[str], *, as_json: bool) -> str:
    for origin in origins:
        if not is_key_name(origin):
            raise ValueError(f"{origin!r} cannot be an origin: no space, no '+', 1 to 255 bytes")
    found = {
        origin: [str(key) for key in keys.checkpoint_signer(origin).keys] for origin in origins
    }
    if as_json:
        return json.dumps(found)
    return "\n".join(key for origin in origins for key in found[origin])


def _trust_file(keys: LogKeys, names: list[str], partitions: int) -> str:
    epochs = []
    for name in names:
        match = _EPOCH.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is not DEPLOYMENT/REGION/EPOCH, for instance aegis/local/1")
        epochs.append(Epoch(match[1], match[2], int(match[3]), partitions, keys.public_keys()))
    return render_trust(TrustPolicy(epochs)).decode().rstrip("\n")
