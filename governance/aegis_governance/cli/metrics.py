"""``aegis metrics``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_governance.cli import exits
from aegis_governance.cli.output import print_json
from aegis_governance.telemetry import PROCESS_METRICS

if TYPE_CHECKING:
    from argparse import Namespace

    from aegis_governance.cli.verbs import Subparsers

_DESCRIPTION = """\
Show the core's metrics of this process once, in the Prometheus text format: what there is, with
its labels. A worker serves its own live values over HTTP."""


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "metrics", help="show the core's metrics once", description=_DESCRIPTION
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Print the metrics."""
    if args.json:
        print_json(
            [
                {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
                for sample in PROCESS_METRICS.samples()
            ]
        )
    else:
        print(PROCESS_METRICS.render(), end="")
    return exits.OK
