"""Every signed statement about the size and root of a log, from wherever, in the order of size.

They lie in a temporary file, for a log may have more of them than fit in memory. What two of them
say about the same size is compared when the leaves get there.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "topic"
RETAINED = "retained"
DATABASE = "database"
RECEIPT = "receipt"


class Claim(NamedTuple):
    """A verified tree head.

    Attributes:
        size: Leaves.
        root: Root.
        source: `topic`, `retained`, `database` or `receipt`.
        place: Offset on the topic, or name of the file.
        keep: It is to be kept for good.
    """

    size: int
    root: bytes
    source: str
    place: str
    keep: bool = False


class Claims:
    """The claims about one log.

    Args:
        directory: Where the temporary file goes.
    """

    def __init__(self, directory: str | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="aegis-fsck-", dir=directory)
        self._base = sqlite3.connect(Path(self._folder.name) / "claims", isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4096; BEGIN;"
            "CREATE TABLE claims(size INTEGER, root BLOB, source TEXT, place TEXT, keep INTEGER);"
            "CREATE INDEX sizes ON claims(size); CREATE INDEX sources ON claims(source, size);"
        )

    def add(self, claim: Claim) -> None:
        """Keep a claim."""
        self._base.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", claim)

    def span(self, source: str) -> tuple[int, int]:
        """Return the smallest and largest size that a source claims, zeros without any."""
        found = self._base.execute(
            "SELECT min(size), max(size) FROM claims WHERE source = ?", (source,)
        )
        smallest, largest = found.fetchone()
        return smallest or 0, largest or 0

    def largest(self) -> int:
        """Return the largest size claimed, 0 without any."""
        (size,) = self._base.execute("SELECT max(size) FROM claims").fetchone()
        return size or 0

    def next_place(self, source: str, size: int) -> str | None:
        """Return where a source first claims a tree larger than `size`, None if nowhere."""
        found = self._base.execute(
            "SELECT place FROM claims WHERE size > ? AND source = ? ORDER BY size LIMIT 1",
            (size, source),
        ).fetchone()
        return None if found is None else str(found[0])

    def after(self, size: int) -> Iterator[Claim]:
        """Yield the claims of trees larger than `size`, in the order of size."""
        rows = self._base.execute(
            "SELECT size, root, source, place, keep FROM claims WHERE size > ? ORDER BY size",
            (size,),
        )
        for found, root, source, place, keep in rows:
            yield Claim(found, bytes(root), source, place, bool(keep))

    def holds(self, size: int, source: str) -> bool:
        """Tell whether a source claims this size."""
        found = self._base.execute(
            "SELECT 1 FROM claims WHERE size = ? AND source = ?", (size, source)
        )
        return found.fetchone() is not None

    def sizes(self, source: str) -> Iterator[tuple[int, bool]]:
        """Yield each size that a source claims, in order, and whether it is to be kept."""
        rows = self._base.execute(
            "SELECT size, max(keep) FROM claims WHERE source = ? GROUP BY size ORDER BY size",
            (source,),
        )
        return ((size, bool(keep)) for size, keep in rows)

    def kept_only_by(self, source: str, other: str) -> Iterator[Claim]:
        """Yield claims to be kept that one source has and the other has not, or not to be kept."""
        rows = self._base.execute(
            "SELECT size, root, source, place, keep FROM claims AS mine WHERE source = ? AND keep "
            "AND NOT EXISTS (SELECT 1 FROM claims WHERE size = mine.size AND root = mine.root "
            "AND source = ? AND keep) ORDER BY size",
            (source, other),
        )
        for size, root, found, place, keep in rows:
            yield Claim(size, bytes(root), found, place, bool(keep))

    def close(self) -> None:
        """Give the file back."""
        self._base.close()
        self._folder.cleanup()
