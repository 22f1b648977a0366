"""A member of a group that owns all it is given, and dies the moment something is taken from it.

Usage: transport_deserter.py BOOTSTRAP GROUP INSTANCE TOPIC; says "owns" once it owns something.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer

if TYPE_CHECKING:
    from confluent_kafka import TopicPartition


def member(bootstrap: str, group: str, instance: str) -> Consumer:
    """Return a static member that keeps its seat for six seconds."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "group.instance.id": instance,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 1_500,
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )


def main() -> None:
    """Join, and die of the first partition lost."""
    bootstrap, group, instance, topic = sys.argv[1:]

    def owns(consumer: Any, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign([])
        if partitions:
            print("owns", flush=True)  # noqa: T201  # the test waits for it

    def dies(*_: object) -> None:
        os._exit(9)

    consumer = member(bootstrap, group, instance)
    consumer.subscribe([topic], on_assign=owns, on_revoke=dies)
    while True:
        consumer.poll(0.5)


if __name__ == "__main__":
    main()
