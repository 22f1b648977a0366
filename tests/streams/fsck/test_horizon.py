"""Ids within the horizon: a table that forgets, against a dictionary that does not."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_streams.fsck.bodies import Plain
from aegis_streams.fsck.horizon import HOUR_MS, Horizon
from aegis_streams.fsck.idtable import SMALLEST, Entry, IdTable

if TYPE_CHECKING:
    from pathlib import Path


def key(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()[:16]


def entry(number: int) -> Entry:
    return Entry(number, key(number + 1), key(number + 2), key(number + 3))


def test_a_table_larger_than_its_index_keeps_the_newest(tmp_path: Path) -> None:
    table, live = IdTable(str(tmp_path)), 1_000
    for number in range(4 * SMALLEST):
        table.make_room(min(number, live))
        table.put(key(number), entry(number))
    assert list(tmp_path.iterdir()) == []
    for number in range(4 * SMALLEST - live, 4 * SMALLEST):
        assert table.find(key(number)) == entry(number)
    assert table.find(key(-1)) is None
    table.replace(key(number), entry(7))
    assert table.find(key(number)) == entry(7)
    table.close()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=200))
@settings(max_examples=60)
def test_remembering_is_that_of_a_dictionary(steps: list[tuple[int, int]]) -> None:
    """One hour of horizon, at most eight ids; each step is an id and some twenty minutes."""
    horizon, seen, now = Horizon(), dict[int, int](), HOUR_MS
    horizon.configure(json.dumps({"horizon_hours": 1.0, "horizon_count": 8}).encode())
    for number, wait in steps:
        now += wait * HOUR_MS // 3
        seen = {each: time for each, time in seen.items() if time + HOUR_MS > now}
        expected = number not in seen and len(seen) < 8
        plain = Plain(now, key(number), bytes(32), bytes(32), bytes(16), b"", b"")
        assert horizon.remember(plain) == expected
        if expected:
            seen[number] = now
    horizon.close()
