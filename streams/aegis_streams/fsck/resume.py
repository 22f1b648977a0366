"""Going on from a verified position: it is checked against the log, and the ids are read again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.fsck.bodies import Foreseen
from aegis_streams.fsck.entries import Entries
from aegis_streams.fsck.findings import Findings
from aegis_streams.fsck.merkle import Tree
from aegis_streams.fsck.notes import read_note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aegis_streams.fsck.horizon import Horizon
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.schemas import Registry
    from aegis_streams.fsck.state import Position
    from aegis_streams.fsck.task import Task

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


def tree_of(position: Position) -> Tree:
    """Return the tree at a position."""
    return Tree(position.size, map(bytes.fromhex, position.peaks))


def obstacle(position: Position, task: Task, trust: str) -> str | None:
    """Return why a task cannot go on from a position; None if it can.

    Args:
        position: The position.
        task: What is to be judged.
        trust: SHA-256 of the task's trust file, hexadecimal.
    """
    if position.trust != trust:
        return "the trust file is another"
    heads = [head for _, note in task.since if (head := read_note(note)).origin == position.log]
    if any(head.size < position.size for head in heads):
        return "a retained checkpoint lies before it"
    root = tree_of(position).root()
    if any(head.size == position.size and head.root != root for head in heads):
        return "a retained checkpoint has another root"
    if task.source.database is not None and not position.database:
        return "the run before did not compare the database"
    return None


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
