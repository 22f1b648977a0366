"""Telling a waiting person what happens: a live line on a terminal, few lines in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Self, TextIO

from rich.console import Console

if TYPE_CHECKING:
    from types import TracebackType

    from rich.status import Status

SPARSE_SECONDS: Final = 10.0
"""In a pipe, details of one step appear at most this often."""


class Narrator:
    """Steps that stay on the screen, and the detail of the present one.

    Use it as a context manager; it writes to standard error, so that output stays machine-readable.

    Args:
        stream: Where to write; standard error by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._spoke = time.monotonic()
        self._last = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def step(self, text: str) -> None:
        """Write a line that stays."""
        self._console.print(text, markup=False)
        self._spoke = time.monotonic()

    def detail(self, text: str) -> None:
        """Show what is going on at this moment; cheap to call often."""
        if text == self._last:
            return
        if self._status is not None:
            self._status.update(text)
        elif time.monotonic() - self._spoke >= SPARSE_SECONDS:
            self.step(text)
        else:
            return
        self._last = text
