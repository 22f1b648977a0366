"""What every test of the driver leaves behind: nothing."""

from __future__ import annotations

import faulthandler
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_last_resort() -> Iterator[None]:
    """Stop the timer with which a worker ends a process that hangs on its way out."""
    yield
    faulthandler.cancel_dump_traceback_later()
