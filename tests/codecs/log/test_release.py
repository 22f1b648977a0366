from __future__ import annotations

from typing import Any

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.release import require_proceed

NOW = 1_767_225_600_000
FIELDS: dict[str, Any] = {
    "status": "proceed",
    "reason": "all_gates_passed",
    "dry_run": False,
    "mode": "enforce",
    "valid_until": NOW + 1,
}


def test_a_valid_proceed_permits() -> None:
    require_proceed("DecisionMade", FIELDS, NOW)


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("InputRejected", {}, "is no decision"),
        ("DecisionMade", {"status": "halt"}, "decided HALT"),
        ("DecisionMade", {"status": "pause"}, "decided PAUSE"),
        ("DecisionMade", {"status": "escalate"}, "decided ESCALATE"),
        ("DecisionMade", {"dry_run": True}, "dry run"),
        ("DecisionMade", {"mode": "shadow"}, "advice"),
        ("DecisionMade", {"valid_until": None}, "expired"),
        ("DecisionMade", {"valid_until": NOW}, "expired"),
        ("DecisionMade", {"valid_until": NOW - 1}, "expired"),
    ],
)
def test_everything_else_permits_nothing(kind: str, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(NotTrustedError, match=says) as raised:
        require_proceed(kind, FIELDS | changes, NOW)
    assert raised.value.finding is Finding.NOT_RELEASED
