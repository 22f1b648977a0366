"""Identity of proposals (rules 3 to 5): what the ids seen within the horizon allow a leaf to say.

An id is the pair of agent and proposal id. Within the horizon by leaf time, a new id is decided
once; the same content again refers to that decision; other content is refused; when as many ids
are remembered as the parameters allow, new ones are refused.
"""

from __future__ import annotations

import json
from array import array
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.idtable import Entry, IdTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.fsck.bodies import Facts, Plain

HOUR_MS: Final = 3_600_000
_TRIM: Final = 65_536
_ID: Final = 16

Complaint = tuple[str, str]
"""A finding's code and its words."""


class Horizon:
    """The ids of one log.

    Args:
        directory: Place of the temporary file.
    """

    def __init__(self, directory: str | None = None) -> None:
        self._table = IdTable(directory)
        self._ages = _Ages()
        self.milliseconds = 0
        self.capacity = 0

    def configure(self, parameters: bytes) -> None:
        """Take horizon and capacity from the bytes of a parameter set.

        Raises:
            ValueError: They are not in it, or are no numbers; what was known before stays.
        """
        try:
            found = json.loads(parameters)
            hours, count = (1.0 * found[name] for name in ("horizon_hours", "horizon_count"))
            taken = int(hours * HOUR_MS), int(count)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise ValueError("no horizon_hours and horizon_count in the parameters") from error
        self.milliseconds, self.capacity = taken

    def remember(self, plain: Plain) -> bool:
        """Remember a proposal that was decided as new; False if it could not be, or not as new."""
        self._ages.expire(plain.time - self.milliseconds)
        if self._ages.count >= self.capacity or self._find(plain.identity, plain.time) is not None:
            return False
        decision = plain.decision
        self._remember(plain.identity, Entry(plain.time, plain.content[:_ID], decision, decision))
        return True

    def take(self, facts: Facts) -> Iterator[Complaint]:
        """Judge a leaf and remember what it says."""
        if facts.kind == "DecisionMade":
            yield from self._decided(facts)
        elif facts.kind == "ProposalRepeated":
            yield from self._repeated(facts)

    def close(self) -> None:
        """Give the temporary file back."""
        self._table.close()

    def _decided(self, facts: Facts) -> Iterator[Complaint]:
        self._ages.expire(facts.time - self.milliseconds)
        key = facts.identity
        seen = self._find(key, facts.time)
        if facts.ordinal:
            if facts.supersedes and seen is not None:
                self._table.replace(key, seen._replace(effective=_id16(facts.decision)))
            return
        content = facts.content if facts.content is not None else facts.cause_sha256
        same = seen is not None and seen.content == content[:16]
        full = self._ages.count >= self.capacity
        who = f"proposal {facts.proposal} of {facts.agent}"
        if facts.reason == "duplicate_id" and facts.content is not None:
            if seen is None or same:
                yield Code.REPEAT_UNFOUNDED, f"{who}: refused as duplicate_id, which it is not"
        elif facts.reason == "horizon_full" and facts.content is not None:
            if seen is not None or not full:
                yield Code.REPEAT_UNFOUNDED, f"{who}: refused as horizon_full, which it was not"
        elif same or (seen is not None and facts.content is not None):
            made = f"although {_shown(seen)} was made within the horizon"
            yield Code.PROPOSAL_DECIDED_TWICE, f"{who}: decided as {facts.decision}, {made}"
        elif seen is None and not full:
            decision = _id16(facts.decision)
            self._remember(key, Entry(facts.time, content[:16], decision, decision))
        elif facts.content is not None:
            count = self._ages.count
            yield Code.REPEAT_UNFOUNDED, f"{who}: decided with {count} ids remembered, the most"

    def _repeated(self, facts: Facts) -> Iterator[Complaint]:
        self._ages.expire(facts.time - self.milliseconds)
        seen = self._find(facts.identity, facts.time)
        told = (_id16(facts.decision), _id16(facts.effective))
        who = f"proposal {facts.proposal} of {facts.agent}"
        if seen is None or (seen.first, seen.effective) != told:
            named = f"refers to {facts.decision}, its first decision was {_shown(seen)}"
            yield Code.REPEAT_UNFOUNDED, f"{who}: {named}"
        elif seen.content != (facts.content or b"")[:16]:
            yield Code.REPEAT_UNFOUNDED, f"{who}: its content is not that of {facts.decision}"

    def _find(self, key: bytes, now: int) -> Entry | None:
        found = self._table.find(key)
        return None if found is None or found.time + self.milliseconds <= now else found

    def _remember(self, key: bytes, entry: Entry) -> None:
        self._table.make_room(self._ages.count)
        self._table.put(key, entry)
        self._ages.add(entry.time)


class _Ages:
    """How many ids are remembered, by the time they were first seen."""

    def __init__(self) -> None:
        self.count = 0
        self._times, self._counts, self._first = array("q"), array("L"), 0

    def add(self, time: int) -> None:
        """Count one more; times never fall."""
        if self._times and self._times[-1] == time:
            self._counts[-1] += 1
        else:
            self._times.append(time)
            self._counts.append(1)
        self.count += 1

    def expire(self, until: int) -> None:
        """Forget those of a time up to `until`."""
        times, first = self._times, self._first
        while first < len(times) and times[first] <= until:
            self.count -= self._counts[first]
            first += 1
        self._first = first
        if first > _TRIM:
            del times[:first], self._counts[:first]
            self._first = 0


def _id16(decision: str | None) -> bytes:
    """Return the 16 bytes of a decision id; a malformed one becomes some that no other has."""
    text = decision or ""
    try:
        found = bytes.fromhex(text[2:].replace("-", ""))
    except ValueError:
        found = b""
    return found if len(found) == _ID else sha256(text.encode()).digest()[:_ID]


def _shown(seen: Entry | None) -> str:
    if seen is None:
        return "never made"
    text = seen.first.hex()
    return f"d-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
