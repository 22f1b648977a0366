"""Asks about a group again and again until standard input ends: plainly, or as a worker does.

``python transport_asker.py BOOTSTRAP GROUP plain|worker``
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from aegis_streams.transport import TransportSettings
from aegis_streams.transport.clients import KafkaClients

if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER_SECONDS: Final = 1.0
_PAUSE: Final = 0.2


def plainly(bootstrap: str, group: str) -> Callable[[], object]:
    """Ask with a time limit of the client's own."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def ask() -> object:
        asked = admin.describe_consumer_groups([group], request_timeout=_ANSWER_SECONDS)
        return asked[group].result(2 * _ANSWER_SECONDS)

    return ask


def as_a_worker(bootstrap: str, group: str) -> Callable[[], object]:
    """Ask as the monitor of a group does."""
    clients = KafkaClients(TransportSettings(bootstrap=bootstrap, group=group))
    return lambda: clients.members(_ANSWER_SECONDS)


def main(bootstrap: str, group: str, how: str) -> None:
    """Ask until told to end; a line for each change between answers and none."""
    ask = {"plain": plainly, "worker": as_a_worker}[how](bootstrap, group)
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    said = ""
    while not over.wait(_PAUSE):
        try:
            ask()
            heard = "answered"
        except (KafkaException, FutureTimeoutError):
            heard = "nothing"
        if heard != said:
            sys.stdout.write(f"{heard}\n")
            sys.stdout.flush()
        said = heard


if __name__ == "__main__":
    main(*sys.argv[1:4])
