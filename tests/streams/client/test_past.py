"""Decisions of long ago are found by id, newest part first, and only if they verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_codecs.verifier import Verifier
from aegis_streams.client import past
from aegis_streams.client.past import PastDecisions
from support.decisions import SignedStream, body
from support.logs import trust

if TYPE_CHECKING:
    from aegis_streams.client.kafka import Record


class Topic:
    """One partition of decisions, which notes what was read of it."""

    def __init__(self, count: int) -> None:
        self.stream = SignedStream()
        self.stored = self.stream.seal([body(decision_id=f"d-{n}") for n in range(count)])
        self.first = 0
        self.read: list[tuple[int, int]] = []

    def bounds(self, partition: int) -> tuple[int, int]:
        assert partition == 0
        return self.first, len(self.stored)

    def records(self, partition: int, start: int, end: int) -> list[Record]:
        assert partition == 0
        self.read.append((start, end))
        return self.stored[start:end]

    def find(self, *wanted: str) -> set[str]:
        finder = PastDecisions(self.bounds, self.records, Verifier(trust()), self.stream.decode)
        return {each.decision_id for each in finder.find(dict.fromkeys(wanted, 0))}


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "STEP", 4)
    monkeypatch.setattr(past, "FURTHEST", 10)


def test_reading_goes_back_until_all_are_found() -> None:
    topic = Topic(20)
    assert topic.find("d-18", "d-13") == {"d-18", "d-13"}
    assert topic.read == [(16, 20), (12, 16)]


def test_reading_ends_at_its_bound_and_at_the_first_record() -> None:
    topic = Topic(20)
    assert topic.find("d-9", "d-17", "d-unknown") == {"d-17"}
    assert topic.read == [(16, 20), (12, 16), (10, 12)]
    topic.read.clear()
    topic.first = 15
    assert topic.find("d-9") == set()
    assert topic.read == [(16, 20), (15, 16)]


def test_nothing_wanted_reads_nothing() -> None:
    topic = Topic(3)
    assert topic.find() == set()
    assert topic.read == []


def test_a_copy_that_lies_hides_no_genuine_one() -> None:
    topic = Topic(4)
    topic.stored.append(topic.stream.forge(topic.stored[2], {"decision_id": "d-1"}))
    assert topic.find("d-1") == {"d-1"}
    topic = Topic(4)
    topic.stored[1] = topic.stream.forge(topic.stored[2], {"decision_id": "d-1"})
    assert topic.find("d-1") == set()
