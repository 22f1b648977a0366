"""``aegis version``."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from aegis_governance.cli import exits
from aegis_governance.cli.output import print_json
from aegis_governance.evaluators import CURRENT
from aegis_governance.version import __version__

if TYPE_CHECKING:
    from argparse import Namespace

    from aegis_governance.cli.verbs import Subparsers


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "version", help="show the version", description="Show the version."
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Print the versions of the distribution, the evaluator and Python."""
    python = platform.python_version()
    if args.json:
        print_json({"version": __version__, "evaluator": CURRENT, "python": python})
    else:
        print(f"aegis {__version__} (evaluator {CURRENT}, Python {python})")
    return exits.OK
