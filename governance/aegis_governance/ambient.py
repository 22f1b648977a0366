"""Clock and randomness: the only place in the core that reads them.

Whoever needs to be repeatable passes its own functions instead.
"""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import uuid4


def now() -> datetime:
    """Return the present time with its offset, UTC."""
    return datetime.now(timezone.utc)


def new_decision_id() -> str:
    """Return a new decision id: ``d-`` and a random UUID."""
    return f"d-{uuid4()}"


def new_session_id() -> str:
    """Return a new session id: ``s-`` and a random UUID."""
    return f"s-{uuid4()}"
