"""What every Kafka client of ours is set up with to find its brokers, and to find them again."""

from __future__ import annotations

from typing import Any, Final

REBOOTSTRAP_MS: Final = 3_000
"""Milliseconds without metadata after which a client begins anew at its bootstrap servers.

A broker that is fenced for a moment, as after standing still, answers that there are no brokers.
A client that hears this forgets the ones it knew, and reaches nobody until this time is over: five
minutes by default (librdkafka #5301).
"""


def connection(bootstrap: str) -> dict[str, Any]:
    """Return the settings of a client that concern its brokers.

    Args:
        bootstrap: Kafka bootstrap servers, ``host:port[,host:port...]``.
    """
    return {
        "bootstrap.servers": bootstrap,
        "metadata.recovery.rebootstrap.trigger.ms": REBOOTSTRAP_MS,
    }
