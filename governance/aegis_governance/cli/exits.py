"""Exit codes of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_governance.errors import ConfigError, MissingExtraError, UnreadableError
from aegis_governance.vocabulary import PCWStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_governance.decision.record import Decision
    from aegis_governance.errors import AegisError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 64
UNREADABLE: Final = 65
UNAVAILABLE: Final = 69
INTERNAL: Final = 70
OUTPUT_LOST: Final = 74
CONFIG: Final = 78
INTERRUPTED: Final = 130

_BY_STATUS: Final[Mapping[PCWStatus, int]] = {
    PCWStatus.PROCEED: 0,
    PCWStatus.HALT: 1,
    PCWStatus.PAUSE: 2,
    PCWStatus.ESCALATE: 2,
}
_DRY_RUN_PROCEED: Final = 2


def of_decision(decision: Decision) -> int:
    """Return 0 proceed, 1 halt, 2 otherwise; never 0 for a dry run, which releases nothing."""
    code = _BY_STATUS[decision.status]
    return _DRY_RUN_PROCEED if code == OK and decision.shadow_mode else code


def of_error(error: AegisError) -> int:
    """Return the exit code of an error that ended a command."""
    if isinstance(error, UnreadableError):
        return UNREADABLE
    if isinstance(error, ConfigError):
        return CONFIG
    return UNAVAILABLE if isinstance(error, MissingExtraError) else INTERNAL
