"""Asks what a worker asks of its admin client again and again, until standard input ends.

``python transport_asker.py BOOTSTRAP TOPIC``, where the group has the topic's name.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import TransportSettings
from aegis_streams.transport.clients import KafkaClients

if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER_SECONDS: Final = 1.0
_LAST_SECONDS: Final = 30.0
_PAUSE: Final = 0.2


def main(bootstrap: str, topic: str) -> int:
    """Ask until told to end, a line for each change between answers and none; 0 if all is well."""
    place = (topic, 0)
    clients = KafkaClients(TransportSettings(bootstrap=bootstrap, group=topic))
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    heard: list[object] = []

    def answered() -> bool:
        heard[:] = [
            told(lambda: clients.members(_ANSWER_SECONDS)),
            told(lambda: clients.end_offsets([place], committed=False, timeout=_ANSWER_SECONDS)),
        ]
        return heard == [{f"{topic}-0": frozenset({0})}, {place: 0}]

    threading.Thread(target=listen, daemon=True).start()
    said = None
    while not over.wait(_PAUSE):
        now = answered()
        if now is not said:
            sys.stdout.write("answered\n" if now else "nothing\n")
            sys.stdout.flush()
        said = now
    if wait_until(answered, _LAST_SECONDS):
        return 0
    sys.stderr.write(f"at last: {heard}\n")
    return 1


def told(question: Callable[[], object]) -> object:
    """Return an answer, or the error in its place."""
    try:
        return question()
    except KafkaException as error:
        return error


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
