"""`aegis sink run|apply|status|replay`: the way from the audit topic to PostgreSQL."""

from __future__ import annotations

import json
import logging
import signal
import threading
from typing import TYPE_CHECKING, Final

from aegis_streams.cli.finish import OK, command
from aegis_streams.metrics.endpoint import Endpoint, Health
from aegis_streams.metrics.sink import SinkMetrics
from aegis_streams.runtime import logs
from aegis_streams.settings import Settings
from aegis_streams.sink.connectors import (
    addresses_of,
    apply_connectors,
    load_connectors,
    replay_connectors,
)
from aegis_streams.sink.keeper import Keeper
from aegis_streams.sink.rest import ConnectRest

if TYPE_CHECKING:
    import argparse

LIVENESS_SECONDS: Final = 120.0
"""A round that hangs on every server it asks stays below this."""
NOT_RUNNING: Final = 1


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "sink",
        help="carry the audit log to the database, and watch over it",
        description="The connectors that carry the audit log to PostgreSQL.",
    )
    verbs = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text, run in (
        ("run", "apply the connectors, start again what fails, export metrics", _run),
        ("apply", "check the connector configuration and apply it once", _apply),
        ("status", "show the connectors", _status),
        ("replay", "offer every leaf to the database again; what is stored is skipped", _replay),
    ):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("--json", action="store_true", help="machine output")
        verb.set_defaults(run=run)


@command("sink")
def _run(_: argparse.Namespace) -> int:
    settings = Settings.load()
    logs.configure(settings.log_level)
    wanted = load_connectors(addresses_of(settings))
    metrics, health = SinkMetrics(), Health(LIVENESS_SECONDS)
    endpoint = Endpoint(settings.listen_host, settings.sink_metrics_port, metrics.registry, health)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    endpoint.start()
    logging.getLogger("aegis.sink").info("keeper starts", extra={"metrics_port": endpoint.port})
    try:
        rest = ConnectRest(settings.connect_url)
        Keeper(settings, rest, wanted, metrics=metrics, health=health).run(stop)
    finally:
        endpoint.stop()
    return OK


@command("sink")
def _apply(args: argparse.Namespace) -> int:
    settings = Settings.load()
    wanted = load_connectors(addresses_of(settings))
    applied = apply_connectors(ConnectRest(settings.connect_url), wanted)
    if args.json:
        print(json.dumps(applied._asdict()))
        return OK
    for name in applied.changed:
        print(f"{name}  applied")
    for name in applied.unchanged:
        print(f"{name}  in place")
    return OK


@command("sink")
def _replay(args: argparse.Namespace) -> int:
    settings = Settings.load()
    names = list(load_connectors(addresses_of(settings)))
    replay_connectors(ConnectRest(settings.connect_url), names)
    print(json.dumps(names) if args.json else f"{', '.join(names)}: from the beginning again")
    return OK


@command("sink")
def _status(args: argparse.Namespace) -> int:
    settings = Settings.load()
    rest = ConnectRest(settings.connect_url)
    found = [rest.status(name) for name in load_connectors(addresses_of(settings))]
    if args.json:
        print(json.dumps([status._asdict() for status in found]))
    else:
        for status in found:
            tasks = ", ".join(f"{number} {state}" for number, state in status.tasks.items())
            print(
                f"{status.name}  {status.state}  tasks {tasks or 'none'}  {status.trace}".rstrip()
            )
    return OK if all(status.running for status in found) else NOT_RUNNING
