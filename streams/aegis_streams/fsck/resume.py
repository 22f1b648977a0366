"""Going on from a verified position: it is checked against the log, and the ids are read again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.fsck.bodies import Foreseen
from aegis_streams.fsck.entries import Entries
from aegis_streams.fsck.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aegis_streams.fsck.horizon import Horizon
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.schemas import Registry
    from aegis_streams.fsck.state import Position

EVERY: Final = 1_000
"""Leaves between two marks."""


class Mark(NamedTuple):
    """Where a leaf begins: its sequence, offset, link, and the time of the leaf before it."""

    sequence: int
    offset: int
    link: bytes
    time: int


class Marks:
    """Places from which the ids of the horizon can be read again; few, whatever the log holds."""

    def __init__(self) -> None:
        self._marks: deque[Mark] = deque()

    def add(self, mark: Mark) -> None:
        """Note the place of the next leaf."""
        self._marks.append(mark)

    def window(self, oldest: int) -> Mark:
        """Return the last place before which no leaf is younger than `oldest`; forget those before.

        Times never fall, so what lies before a place is not younger than its own time.
        """
        while len(self._marks) > 1 and self._marks[1].time <= oldest:
            self._marks.popleft()
        return self._marks[0]


def restore(
    position: Position,
    place: tuple[str, int],
    records: Iterable[Raw],
    registry: Registry,
    horizon: Horizon,
) -> bool:
    """Read the leaves of the horizon again, up to a position.

    Args:
        position: The position.
        place: Audit topic and partition.
        records: Records from the position's window up to its next offset.
        registry: Gives their schemas.
        horizon: Takes their ids.

    Returns:
        Whether the leaves lead to the position; otherwise the ids are of no use.
    """
    found = Findings(position.log)
    foreseen = Foreseen(position.log, "", place[1])
    entries = Entries(position.log, place, registry, foreseen, found)
    sequence, _, link = position.window
    entries.sequence, entries.previous = sequence, bytes.fromhex(link)
    horizon.milliseconds, horizon.capacity = position.parameters
    for record in records:
        leaf = entries.read(record, None)
        if leaf is not None and leaf.facts is not None:
            for _ in horizon.take(leaf.facts):
                pass  # it was judged before
    reached = entries.sequence, entries.previous.hex()
    return not found and reached == (position.size, position.entry_hash)
