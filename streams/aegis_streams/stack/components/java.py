"""What the Java components share: how a virtual machine is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_streams.stack.tools import java

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
)
"""How lines of `slf4j-simple` begin."""


def jvm(heap_megabytes: int, *options: str) -> list[str]:
    """Return the beginning of a Java command line.

    Args:
        heap_megabytes: Largest heap; the process takes more than that in all.
        options: Further options of the virtual machine.
    """
    return [java(), f"-Xmx{heap_megabytes}m", "-XX:+ExitOnOutOfMemoryError", *options]


def class_path(directory: object) -> Sequence[str]:
    """Return the options that put every jar of a directory on the class path."""
    return ("-cp", f"{directory}/*")
