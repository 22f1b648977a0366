"""What the oracle found wrong: the first record of each kind, and how many there are."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class Finding(NamedTuple):
    """The first difference of a kind.

    Attributes:
        kind: Stable name of the lie, such as "leaf_missing".
        where: Log and place: which record differs.
        detail: Expected and found.
    """

    kind: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.detail}"


class Findings:
    """Collects findings; keeps the first of each kind and counts the rest."""

    def __init__(self) -> None:
        self.first: dict[str, Finding] = {}
        self.counts: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()

    def add(self, kind: str, where: str, detail: str) -> None:
        """Note a difference."""
        self.counts[kind] += 1
        self.first.setdefault(kind, Finding(kind, where, detail))

    def expect(self, kind: str, where: str, found: object, wanted: object) -> bool:
        """Note a difference if there is one; return whether they are equal."""
        self.checked[kind] += 1
        if found == wanted:
            return True
        self.add(kind, where, f"found {_short(found)}, expected {_short(wanted)}")
        return False

    def lines(self) -> list[str]:
        """Return a line per kind, empty if nothing is wrong."""
        return [f"{finding} ({self.counts[kind]} of them)" for kind, finding in self.first.items()]


def _short(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
