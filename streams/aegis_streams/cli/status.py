"""`aegis status`: every component of the local stack, as it is now."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from aegis_codecs.settings import home
from aegis_governance.cli import exits
from aegis_streams.cli.finish import command
from aegis_streams.stack import Layout, overview

if TYPE_CHECKING:
    import argparse

    from aegis_streams.stack import ComponentView, Overview

NOT_READY: Final = 1
NOT_RUNNING: Final = 3
"""As service managers answer for a service that is stopped."""
_COLUMNS: Final = ("component", "state", "ready", "pid", "port", "up", "restarts", "lag")
_MINUTE: Final = 60
_HOUR: Final = 3600


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `status` to the `aegis` command."""
    parser = subparsers.add_parser("status", help="show the components of the local stack")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


@command("status")
def run(args: argparse.Namespace) -> int:
    """Show the stack; return 0 if all of it is ready, 1 if part of it, 3 if it does not run."""
    layout = Layout(home().resolve())
    found = overview(layout)
    if args.json:
        print(json.dumps({"home": str(layout.home), **asdict(found)}))
    else:
        _print_table(found)
    if not found.running:
        return NOT_RUNNING
    return exits.OK if found.ready else NOT_READY


def duration(seconds: float | None) -> str:
    """Return an age for people, in its two largest units."""
    if seconds is None:
        return ""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE}s"
    return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE}m"


def _print_table(found: Overview) -> None:

    if found.components:
        table = Table(*_COLUMNS, box=None, pad_edge=False)
        for view in found.components:
            table.add_row(*_cells(view))
        Console(highlight=False, soft_wrap=True).print(table)
    for view in found.components:
        if view.detail and not view.ready:
            print(f"{view.name}: {view.detail}")
    if found.running:
        return
    if any(view.pid for view in found.components):
        print("the supervisor is gone and left processes behind: `aegis up` or `aegis down`")
    else:
        print("the stack does not run; `aegis up` starts it")


def _cells(view: ComponentView) -> tuple[str, ...]:
    return (
        view.name,
        view.phase,
        "yes" if view.ready else "no",
        str(view.pid or ""),
        " ".join(map(str, view.ports.values())),
        duration(view.uptime_seconds),
        str(view.restarts),
        "" if view.lag_records is None else str(view.lag_records),
    )
