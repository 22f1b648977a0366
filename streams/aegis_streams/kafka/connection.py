"""What our admin clients are set up with to find their brokers, and to find them again."""

from __future__ import annotations

from typing import Any, Final

REBOOTSTRAP_MS: Final = 3_000
"""Milliseconds without metadata after which a client begins anew at its bootstrap servers.

A broker that is fenced for a moment, as after standing still, answers that there are no brokers.
A client that hears this forgets the ones it knew, and reaches nobody until this time is over: five
minutes by default (librdkafka #5301). For admin clients alone: a consumer with it was seen once
that had lost its session and was without a broker ten minutes later.
"""


def connection(bootstrap: str) -> dict[str, Any]:
    """Return the settings of an admin client that concern its brokers.

    Args:
        bootstrap: Kafka bootstrap servers, ``host:port[,host:port...]``.
    """
    return {
        "bootstrap.servers": bootstrap,
        "metadata.recovery.rebootstrap.trigger.ms": REBOOTSTRAP_MS,
    }
