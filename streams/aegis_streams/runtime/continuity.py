"""What both workers check of a restored partition before its first record."""

from __future__ import annotations

from aegis_streams.errors import ContinuityError


def check_log(table: str, partition: int, found: str, expected: str) -> None:
    """Refuse another log's state.

    Args:
        table: Table that holds the state.
        partition: Number of the partition.
        found: The log it is of, and whatever else has to agree.
        expected: The same by the settings.

    Raises:
        ContinuityError: They differ.
    """
    if found != expected:
        raise ContinuityError(f"{table}[{partition}]: state of {found}, settings say {expected}")


def check_offset(topic: str, partition: int, committed: int | None, state: int | None) -> None:
    """Refuse an offset of the group that the state does not know of (rules 10).

    Raises:
        ContinuityError: They differ, or the group has none.
    """
    if committed != state:
        raise ContinuityError(
            f"{topic}[{partition}]: the group's offset is {committed}, the state says {state}; "
            "nobody may move offsets of this group. If its coordinating broker has just come back, "
            "restart that broker once more (it may have read its offsets in part); else reset the "
            "offset to the state's, nothing else"
        )
