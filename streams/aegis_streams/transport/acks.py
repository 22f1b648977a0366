"""Stand-ins for Faust's ack bookkeeping."""

# ruff: noqa: ARG002  # the signatures are those of dict, set and list

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class AckIndex:
    """Looks like Faust's mapping of partitions to sets of acked offsets; reports each ack."""

    def __init__(self, on_ack: Callable[[int], None]) -> None:
        self._on_ack = on_ack

    def __getitem__(self, where: object) -> AckIndex:
        return self

    def __contains__(self, offset: object) -> bool:
        return False

    def add(self, offset: int) -> None:
        """Report an ack."""
        self._on_ack(offset)

    def pop(self, where: object, default: object = None) -> object:
        """Forget nothing."""
        return default


class AckLog:
    """Looks like Faust's mapping of partitions to lists of acked offsets; keeps nothing."""

    def __getitem__(self, where: object) -> AckLog:
        return self

    def append(self, offset: int) -> None:
        """Keep nothing: the driver commits."""


class NoOffsets:
    """Looks like Faust's mapping of committed offsets; knows none, so that every ack counts."""

    def __getitem__(self, where: object) -> None:
        return None
