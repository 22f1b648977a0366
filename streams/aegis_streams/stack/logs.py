"""Keeping the log files of the components bounded.

A component appends to its log by itself, so that it loses nothing when the supervisor dies. The
supervisor copies a log that has grown and cuts the original; the appending process goes on at the
new end. Lines written between copy and cut are lost, which a log may bear.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOG_BYTES: Final = 10 * 1024 * 1024
"""Size from which a log is cut."""
LOG_COPIES: Final = 2
"""Earlier parts that are kept, as ``NAME.log.1`` (newest) and up."""


def bound_log(path: Path, limit: int = LOG_BYTES) -> bool:
    """Cut a log file that has reached the limit; return whether it was cut."""
    try:
        if path.stat().st_size < limit:
            return False
    except FileNotFoundError:
        return False
    for number in range(LOG_COPIES, 1, -1):
        older = _copy(path, number - 1)
        if older.exists():
            older.replace(_copy(path, number))
    shutil.copyfile(path, _copy(path, 1))
    with path.open("r+b") as file:
        file.truncate(0)
    return True


def _copy(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
