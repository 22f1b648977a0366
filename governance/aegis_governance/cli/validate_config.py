"""``aegis validate-config``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_governance.cli import exits
from aegis_governance.cli.output import print_json, table
from aegis_governance.cli.settings import load
from aegis_governance.config import AegisConfig
from aegis_governance.errors import ConfigError

if TYPE_CHECKING:
    from argparse import Namespace

    from aegis_governance.cli.verbs import Subparsers


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "validate-config",
        help="check a configuration file",
        description="Check a configuration file and show what it changes. "
        "Exit code: 0 valid, 1 invalid, 65 unreadable.",
    )
    parser.add_argument("file", metavar="FILE", help="YAML or JSON file of parameters")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Check the file; print its parameters' hash and differences, or the first fault."""
    try:
        config = load(args.file).config
    except ConfigError as error:
        fault = {"field": error.field, "value": repr(error.value), "allowed": error.allowed}
        if args.json:
            print_json({"valid": False, "fault": fault, "message": str(error)})
        else:
            print(f"{args.file} is not valid: {error}")
        return exits.FAILED
    changed = _differences(config)
    if args.json:
        print_json({"valid": True, "sha256": config.sha256().hex(), "changed": changed})
    else:
        rows = [(name, repr(both["value"]), f"default {both['default']!r}")
                for name, both in changed.items()]  # fmt: skip
        print("\n".join([f"{args.file} is valid  sha256 {config.sha256().hex()}", *table(rows)]))
    return exits.OK


def _differences(config: AegisConfig) -> dict[str, dict[str, object]]:
    default = AegisConfig.default().to_dict()
    return {
        name: {"value": value, "default": default[name]}
        for name, value in config.to_dict().items()
        if value != default[name]
    }
