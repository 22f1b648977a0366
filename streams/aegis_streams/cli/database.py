"""`aegis database prepare`: make the audit database ready for the sink."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aegis_streams.cli.finish import command
from aegis_streams.errors import SettingsError
from aegis_streams.settings import ENVIRONMENT, Settings
from aegis_streams.sink.prepare import prepare_database

if TYPE_CHECKING:
    import argparse


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("database", help="make the audit database ready")
    verbs = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "apply the migrations, set the passwords of the roles, make partitions ahead"
    verb = verbs.add_parser("prepare", help=text, description=text)
    verb.add_argument("--json", action="store_true", help="machine output")
    verb.set_defaults(run=_prepare)


@command("database")
def _prepare(args: argparse.Namespace) -> int:
    settings = Settings.load()
    if not settings.database_admin_url:
        raise SettingsError(
            f"{ENVIRONMENT['database_admin_url']} is not set; it names the database and a role "
            "that may create roles, postgresql://ROLE@HOST:PORT/aegis"
        )
    done = prepare_database(settings.database_admin_url, settings.secrets_dir)
    if args.json:
        print(json.dumps(done._asdict()))
        return 0
    print(f"database    {'made' if done.made else 'in place'}")
    print(f"migrations  {', '.join(done.applied) or 'all applied before'}")
    print(f"partitions  {done.partitions} made")
    return 0
