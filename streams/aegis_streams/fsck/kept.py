"""The checkpoints that a database keeps for good, against the leaves that ask for them.

The topic forgets its checkpoints, so rows alone have to show that none of these is gone. The rule
(ADR 0008): the first checkpoint that covers one of these leaves is kept, counted from the last kept
one before it:

- a leaf of a control kind;
- a leaf a minute or more later than the last one covered;
- the ten thousandth leaf.

So the next checkpoint stored after such a leaf must be marked to keep; and since a sealer signs a
batch as a whole, it covers at most a batch from that leaf on. Where a log is shorter than that, or
lies idle, rows cannot show more: the largest distance is told as a figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_streams.fsck.claims import DATABASE
from aegis_streams.fsck.database import CHECKPOINTS
from aegis_streams.fsck.findings import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.claims import Claims
    from aegis_streams.fsck.database import Row
    from aegis_streams.fsck.findings import Findings

MOST_MS: Final = 60_000
MOST_LEAVES: Final = 10_000
BATCH: Final = 5_000
"""Most leaves that one checkpoint adds: no setting of a deployment makes a sealer take more."""
CONTROL: Final = frozenset(
    {"EpochOpened", "KeyAnnounced", "OverrideChanged", "ParametersActivated"}
)


class Kept:
    """Follows the checkpoints in the database along its rows.

    Args:
        claims: What they claim, complete; the database's alone count.
        findings: Takes what is wrong.
    """

    def __init__(self, claims: Claims, findings: Findings) -> None:
        self._sizes = claims.sizes(DATABASE)
        self._next = next(self._sizes, None)
        self._findings = findings
        self._largest = self._kept = 0
        self._last = 0
        self._time: int | None = 0
        self._due: int | None = None

    def watch(self, rows: Iterator[Row], start: int = 0) -> Iterator[Row]:
        """Pass rows on, from the leaf `start`; those before were looked at by an earlier run."""
        self._reach(start, None)
        for row in rows:
            kind, time = row.copies[:2] if row.copies else (None, None)
            self._reach(row.sequence, None)
            if self._due is None and (kind in CONTROL or self._is_late(time)):
                self._due = row.sequence
            self._reach(row.sequence + 1, time)
            yield row

    def figures(self) -> dict[str, int]:
        """Return how far apart kept checkpoints are at most."""
        return {"leaves at most from one kept checkpoint to the next": self._largest}

    def _is_late(self, time: int | None) -> bool:
        return time is not None and self._time is not None and time - self._time >= MOST_MS

    def _reach(self, size: int, time: int | None) -> None:
        """Take the checkpoints up to a size; `time` is that of the last leaf of this size."""
        while self._next is not None and self._next[0] <= size:
            self._take(*self._next, time if self._next[0] == size else None)
            self._next = next(self._sizes, None)

    def _take(self, size: int, keep: bool, time: int | None) -> None:
        by_count = self._last + MOST_LEAVES - 1
        due = by_count if self._due is None else min(self._due, by_count)
        missing = due < size and (not keep or size - due > BATCH)
        if missing:
            marked = "" if keep else ", and is not marked to keep"
            self._findings.add(
                Code.KEPT_MISSING,
                f"leaf {due} asks for a checkpoint that is kept; the next one there is has {size} "
                f"leaves{marked}",
                table=CHECKPOINTS,
                size=size,
            )
        if keep:
            self._largest = max(self._largest, size - self._kept)
            self._kept = size
        if keep or missing:
            self._last, self._time, self._due = size, time, None
