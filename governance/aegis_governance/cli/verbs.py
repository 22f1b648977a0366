"""Which verbs there are: those of the core, and those that extras bring.

Extras register through the entry point group ``aegis.commands``; each entry point is a function
``register(subparsers)``. They are imported, in the order of their names, only when a verb is asked
for that the core does not have; so the core's verbs work, and start quickly, without them.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from aegis_governance.cli import evaluate, health, metrics, validate_config, version
from aegis_governance.errors import MissingExtraError

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Callable, Mapping

    Subparsers = _SubParsersAction[ArgumentParser]

GROUP: Final = "aegis.commands"
"""The entry point group of commands."""


CORE: Final[Mapping[str, Callable[[Subparsers], None]]] = {
    "evaluate": evaluate.register,
    "version": version.register,
    "health": health.register,
    "metrics": metrics.register,
    "validate-config": validate_config.register,
}
"""The verbs of the core."""

STREAMS: Final[Mapping[str, str]] = {
    "up": "start the local stack",
    "status": "show the state of the local stack",
    "down": "stop the local stack",
    "run": "start everything and show verified decisions",
    "worker": "run a decider or a sealer",
    "topics": "create or check topics and schemas",
    "database": "make the audit database ready",
    "sink": "carry the audit log to the database, and watch over it",
    "submit": "produce proposals",
    "watch": "show decisions as they arrive, each verified",
    "receipt": "fetch a decision with its proof",
    "verify": "verify a receipt offline",
    "consistency": "prove that a log continues an earlier checkpoint",
    "fsck": "recompute and judge everything",
    "keys": "generate keys and show their public halves",
}
"""The verbs that the extra ``streams`` brings."""

_NEEDED: Final = ("faust", "confluent_kafka", "fastavro", "cryptography")


def streams_available() -> bool:
    """Return whether the packages of the extra ``streams`` are installed."""
    return all(_installed(name) for name in _NEEDED)


def _installed(name: str) -> bool:
    # What is loaded counts: Faust hides its own specification, which then cannot be asked for.
    return name in sys.modules or find_spec(name) is not None


def load_extras(verb: str, subparsers: Subparsers) -> None:
    """Let installed extras register their verbs, until one has registered ``verb``.

    Raises:
        MissingExtraError: None has: packages of the extra are not installed.
    """
    cause = ""
    for point in _entry_points():
        try:
            point.load()(subparsers)
        except ImportError as error:
            cause = str(error)
        if verb in subparsers.choices:
            return
    raise MissingExtraError(f"aegis {verb}", "streams", cause)


def _entry_points() -> tuple[Any, ...]:
    found: Any = entry_points()
    # Python 3.9 returns a dict of groups; later versions an object to select from.
    selected = found.select(group=GROUP) if hasattr(found, "select") else found.get(GROUP, ())
    return tuple(sorted(dict.fromkeys(selected)))
