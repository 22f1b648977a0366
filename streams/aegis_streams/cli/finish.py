"""How the stream's commands end: one message, and an exit code that scripts can rely on."""

from __future__ import annotations

import functools
import json
import logging
import sys
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import CouldNotCheckError, NotTrustedError, RegistryUnreachableError
from aegis_governance.cli import exits
from aegis_governance.cli.output import failure
from aegis_governance.errors import AegisError, UnreadableError
from aegis_streams.client.errors import (
    BrokenLogError,
    DeliveryError,
    NotFoundError,
    NotSealedError,
    PositionLostError,
)
from aegis_streams.errors import SettingsError, UnavailableError
from aegis_streams.sources.errors import SourceError
from aegis_streams.stack.errors import StackError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TypeAlias

    Action: TypeAlias = Callable[[argparse.Namespace], int]

OK: Final = exits.OK
NOT_TRUSTED: Final = 1
"""Something was checked and must not be believed."""
COULD_NOT_CHECK: Final = 2
"""Nothing was found out: no trust file, or an algorithm is missing."""
UNREADABLE: Final = exits.UNREADABLE
NOT_FOUND: Final = 66
"""What was asked for does not exist."""
TRY_AGAIN: Final = 75
"""Not yet; the same command will do later."""

_TALKATIVE: Final = ("httpx", "httpx2")
"""Libraries that log every request; a command tells what matters itself."""
_CODES: Final[tuple[tuple[type[AegisError], int], ...]] = (
    (NotTrustedError, NOT_TRUSTED),
    (BrokenLogError, NOT_TRUSTED),
    (CouldNotCheckError, COULD_NOT_CHECK),
    (SettingsError, exits.CONFIG),
    (SourceError, exits.UNREADABLE),
    (UnreadableError, exits.UNREADABLE),
    (NotFoundError, NOT_FOUND),
    (PositionLostError, NOT_FOUND),
    (NotSealedError, TRY_AGAIN),
    (UnavailableError, exits.UNAVAILABLE),
    (RegistryUnreachableError, exits.UNAVAILABLE),
    (StackError, exits.UNAVAILABLE),
    (DeliveryError, exits.UNAVAILABLE),
    (AegisError, exits.INTERNAL),
)


def exit_code_of(error: AegisError) -> int:
    """Return the exit code that stands for an error."""
    return next(code for kind, code in _CODES if isinstance(error, kind))


def command(name: str) -> Callable[[Action], Action]:
    """Make a function that raises into one that reports and returns an exit code.

    Args:
        name: The verb, for the message.
    """

    def wrap(action: Action) -> Action:
        @functools.wraps(action)
        def run(args: argparse.Namespace) -> int:
            for library in _TALKATIVE:
                logging.getLogger(library).setLevel(logging.WARNING)
            try:
                return action(args)
            except AegisError as error:
                code = exit_code_of(error)
                _report(name, error, code, as_json=getattr(args, "json", False))
                return code

        return run

    return wrap


def _report(name: str, error: AegisError, code: int, *, as_json: bool) -> None:
    message = str(error)
    if isinstance(error, RegistryUnreachableError):
        message += "; `aegis up` starts a local stack, `aegis status` shows what runs"
    if as_json:
        print(json.dumps(failure(error, code, message)))
    else:
        print(f"aegis {name}: {message}", file=sys.stderr)
