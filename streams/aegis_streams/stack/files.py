"""Small files that are either whole or not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path


_TAIL_LINES: Final = 15
_TAIL_BYTES: Final = 8 * 1024


def write_atomically(path: Path, text: str) -> None:
    """Replace a file by new text in one step, so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def end_of_log(path: Path) -> str:
    """Return the last lines of a log, ready to follow a sentence; empty without a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
    except OSError:
        return ""
    return f" The end of {path}:\n  " + "\n  ".join(lines) if lines else ""
