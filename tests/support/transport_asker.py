"""Asks what a worker asks of its admin client again and again, until standard input ends.

``python transport_asker.py BOOTSTRAP TOPIC``, where the group has the topic's name.
"""

from __future__ import annotations

import sys
import threading
from typing import Final

from confluent_kafka import KafkaException

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import TransportSettings
from aegis_streams.transport.clients import KafkaClients

_ANSWER_SECONDS: Final = 1.0
_LAST_SECONDS: Final = 30.0
_PAUSE: Final = 0.2


def main(bootstrap: str, topic: str) -> int:
    """Ask until told to end, a line for each change between answers and none; 0 if all is well."""
    clients = KafkaClients(TransportSettings(bootstrap=bootstrap, group=topic))
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    def answered() -> bool:
        try:
            owned = clients.members(_ANSWER_SECONDS)
            ends = clients.end_offsets([(topic, 0)], committed=False, timeout=_ANSWER_SECONDS)
        except KafkaException:
            return False
        return owned == {f"{topic}-0": frozenset({0})} and ends == {(topic, 0): 0}

    threading.Thread(target=listen, daemon=True).start()
    said = None
    while not over.wait(_PAUSE):
        heard = answered()
        if heard is not said:
            sys.stdout.write("answered\n" if heard else "nothing\n")
            sys.stdout.flush()
        said = heard
    return 0 if wait_until(answered, _LAST_SECONDS) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
