"""JSON lines, one proposal each: numbered, within bounds, blank lines left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_BYTES: Final = 64 * 1024
"""Longest line read; no record of the input topic may be longer."""


class Line(NamedTuple):
    """One line of a source.

    Attributes:
        number: Position in the source, from 1, blank lines counted.
        text: Its bytes without the line end; cut after `MAX_LINE_BYTES` and one byte more, so
            that a longer line is seen to be too long.
    """

    number: int
    text: bytes


def numbered_lines(stream: BinaryIO) -> Iterator[Line]:
    """Yield the lines of a stream that are not blank; memory is bounded by one line."""
    number = 0
    while piece := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        text = piece.rstrip(b"\r\n")
        while not piece.endswith(b"\n") and (piece := stream.readline(MAX_LINE_BYTES)):
            pass
        if text.strip():
            yield Line(number, text)
