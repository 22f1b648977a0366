"""What a verified leaf permits: the check that stands between a decision and an action.

A genuine decision is not a permission yet. This looks at one leaf alone; whether a later decision
supersedes it only the log can tell, so a client that follows the log refuses more than this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aegis_codecs.errors import Finding, NotTrustedError

if TYPE_CHECKING:
    from collections.abc import Mapping


def require_proceed(kind: str, fields: Mapping[str, Any], now_ms: int) -> None:
    """Check that a verified leaf permits its proposal at this moment.

    Args:
        kind: Kind of the leaf body.
        fields: Its decoded fields.
        now_ms: The time, in milliseconds since 1970.

    Raises:
        NotTrustedError: `not_released`: no decision, not PROCEED, a dry run, made where gates
            were not enforced, without expiry, or expired.
    """
    if kind != "DecisionMade":
        raise _not_released(f"a {kind} is no decision")
    if fields["status"] != "proceed":
        raise _not_released(f"it was decided {str(fields['status']).upper()} ({fields['reason']})")
    if fields["dry_run"]:
        raise _not_released("it was a dry run")
    if fields["mode"] != "enforce":
        raise _not_released(f"it was decided in mode {fields['mode']!r}, which is advice")
    valid_until = fields["valid_until"]
    if valid_until is None or valid_until <= now_ms:
        raise _not_released("it has expired; submit the proposal again under a new id")


def _not_released(detail: str) -> NotTrustedError:
    return NotTrustedError(
        Finding.NOT_RELEASED, f"the leaf is genuine and permits nothing: {detail}"
    )
