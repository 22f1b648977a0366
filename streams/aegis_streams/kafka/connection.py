"""What every Kafka client of ours is set up with to find its brokers, and to find them again.

A broker that is fenced for a moment, as after standing still, answers that there are no brokers. A
client that hears this has nobody left to turn to, takes it for an answer, and asks nobody again for
five minutes (librdkafka #5301). Two settings lead it out: the first makes it ask, and the second,
of no use alone, gives it somebody to ask when it has forgotten all those it knew.
"""

from __future__ import annotations

from typing import Any, Final

REFRESH_MS: Final = 3_000
"""Milliseconds between two questions for the brokers, whether or not anybody needs the answer."""

REBOOTSTRAP_MS: Final = 3_000
"""Milliseconds a question stays unanswered until a client begins anew at its bootstrap servers."""


def connection(bootstrap: str) -> dict[str, Any]:
    """Return the settings of a client that concern its brokers.

    Args:
        bootstrap: Kafka bootstrap servers, ``host:port[,host:port...]``.
    """
    return {
        "bootstrap.servers": bootstrap,
        "topic.metadata.refresh.interval.ms": REFRESH_MS,
        "metadata.recovery.rebootstrap.trigger.ms": REBOOTSTRAP_MS,
    }
