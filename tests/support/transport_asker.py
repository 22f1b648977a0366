"""Asks about a group again and again, as a worker does, until standard input ends.

``python transport_asker.py BOOTSTRAP GROUP``
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from confluent_kafka import KafkaException

from aegis_streams.transport import TransportSettings
from aegis_streams.transport.clients import KafkaClients

_ANSWER_SECONDS: Final = 1.0
_PAUSE: Final = 0.2


def main(bootstrap: str, group: str) -> None:
    """Ask until told to end; a line for each change between answers and none."""
    clients = KafkaClients(TransportSettings(bootstrap=bootstrap, group=group))
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    said = ""
    while not over.wait(_PAUSE):
        try:
            clients.members(_ANSWER_SECONDS)
            heard = "answered"
        except (KafkaException, FutureTimeoutError):
            heard = "nothing"
        if heard != said:
            sys.stdout.write(f"{heard}\n")
            sys.stdout.flush()
        said = heard


if __name__ == "__main__":
    main(*sys.argv[1:3])
