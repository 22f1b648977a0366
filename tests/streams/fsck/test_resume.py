"""A run that was interrupted: the next one sees what one without a break would have seen."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.records import envelopes
from aegis_codecs.records.envelopes import CheckpointRecord
from aegis_codecs.records.wire import WireEncoder
from support.deciding import LOG, START
from support.logs import log_keys
from support.memory_database import MemoryDatabase
from support.memory_log import PROPOSALS, TOPICS, MemoryLog, memory_log, sample_values

if TYPE_CHECKING:
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.state import Position
    from aegis_streams.fsck.task import Judged

BATCH = 4
LENGTH = 40


@cache
def sound() -> MemoryLog:
    """Return a log with groups that committed everything."""
    log = memory_log(sample_values(LENGTH), batch=BATCH)
    log.groups = {
        "decide": {PROPOSALS: LENGTH},
        "seal": {TOPICS.audit: len(log.records[TOPICS.audit])},
    }
    return log


@cache
def places() -> list[Position]:
    """Return where a run over it can be interrupted."""
    log = deepcopy(sound())
    assert log.judge(keep=True).findings == []
    return log.positions


def codes(found: Judged) -> set[str]:
    return {str(each.code) for each in found.findings}


def signed(size: int, root: bytes) -> bytes:
    """Return what the owner of the keys signs, true or not."""
    return log_keys().checkpoint_signer(LOG).seal(Checkpoint(LOG, size, root))


def published(offset: int, size: int, root: bytes) -> Raw:
    """Return it as a record."""
    encode = WireEncoder(envelopes.checkpoint_codec(), 5).encode
    record = CheckpointRecord(LOG, size, signed(size, root), keep=True)
    return offset, START, LOG.encode(), encode(record)


def told(found: Judged) -> str:
    return " ".join(found.told)


def test_every_signed_size_is_a_place_to_go_on_from() -> None:
    assert [place.size for place in places()] == [*range(BATCH, LENGTH + 1, BATCH), LENGTH + 1]


@given(place=st.sampled_from(places()))
@settings(max_examples=20)
def test_an_interrupted_run_ends_as_one_without_a_break(place: Position) -> None:
    log = deepcopy(sound())
    found = log.judge(keep=True, position=place)
    assert codes(found) == set()
    assert f"goes on from leaf {place.size}," in told(found)
    assert found.figures["leaves"] == LENGTH + 1
    assert found.figures["checkpoints"] == len(places()) - places().index(place) - 1
    assert found.figures["decisions not released yet"] == 0
    if place != places()[-1]:
        assert log.position == places()[-1]


@pytest.mark.parametrize("place", [0, 4])
def test_a_wrong_root_between_position_and_end_is_found(place: int) -> None:
    log = deepcopy(sound())
    number = len(log.notes) - 2
    log.records[TOPICS.checkpoints][number] = published(number, LENGTH, b"?" * 32)
    found = log.judge(position=places()[place])
    assert codes(found) >= {"tree_root"}
    assert f"goes on from leaf {places()[place].size}," in told(found)


def test_a_sealed_decision_between_position_and_end_was_released() -> None:
    log = deepcopy(sound())
    del log.records[TOPICS.decisions][-2]
    assert codes(log.judge(position=places()[0])) == {"decision_missing"}


def test_a_checkpoint_between_position_and_end_that_only_receipts_show() -> None:
    log = deepcopy(sound())
    del log.records[TOPICS.checkpoints][2]
    assert codes(log.judge(position=places()[1])) == {"checkpoint_missing"}


@pytest.mark.parametrize("size", [BATCH, BATCH + 1, 3 * BATCH])
@pytest.mark.parametrize("place", [2, -1])
def test_a_second_root_published_later_is_found(size: int, place: int) -> None:
    """It lies behind everything else on the topic, and is about leaves verified before."""
    log = deepcopy(sound())
    log.records[TOPICS.checkpoints].append(published(len(log.notes), size, b"?" * 32))
    found = log.judge(position=places()[place])
    forked = {"history_forked"} if size % BATCH == 0 else set()
    assert codes(found) == {"checkpoint_order", "tree_root"} | forked
    assert "everything is read again from the first leaf" in told(found)
    assert found.figures["checkpoints"] == len(log.notes) + 1
    assert found.figures["inputs"] == LENGTH


@pytest.mark.parametrize("root", ["true", "false"])
def test_a_retained_checkpoint_of_the_size_of_the_position(root: str) -> None:
    log, place = deepcopy(sound()), places()[3]
    note = log.notes[3] if root == "true" else signed(place.size, b"?" * 32)
    found = log.judge(position=place, since=[note])
    if root == "true":
        assert codes(found) == set()
        assert "goes on from leaf" in told(found)
    else:
        assert codes(found) == {"tree_root", "history_forked"}


def test_what_receipts_alone_cover_is_no_place_to_go_on_from() -> None:
    """A checkpoint that was not on its topic yet may follow others that were not."""
    log = deepcopy(sound())
    late = log.records[TOPICS.checkpoints][-3:]
    del log.records[TOPICS.checkpoints][-3:]
    del log.groups["seal"]
    assert codes(log.judge(keep=True)) == set()
    assert log.position == places()[-4]
    log.records[TOPICS.checkpoints] += late
    found = log.judge(keep=True, position=log.position)
    assert codes(found) == set()
    assert "goes on from leaf" in told(found)


def test_rows_that_were_not_compared_are_compared_later(monkeypatch: pytest.MonkeyPatch) -> None:
    log, database = deepcopy(sound()), MemoryDatabase()
    log.judge(keep=True)
    assert log.position is not None
    assert not log.position.database
    database.deliver(log, 100, 100)
    url = database.stands(monkeypatch)
    found = log.judge(keep=True, database=url, position=log.position)
    assert codes(found) == set()
    assert "the run before did not compare the database" in told(found)
    assert found.figures["rows"] == LENGTH + 1
    database.leaves[2] = database.leaves[2]._replace(leaf_hash=b"?" * 32)
    assert codes(log.judge(database=url, position=places()[-1])) == {"row_differs"}


def test_rows_on_their_way_are_compared_when_they_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, database = deepcopy(sound()), MemoryDatabase()
    url = database.stands(monkeypatch)
    log.groups |= {"sink": {TOPICS.audit: 10}, "sink-checkpoints": {TOPICS.checkpoints: 100}}
    database.deliver(log, 10, 100)
    first = log.judge(keep=True, database=url)
    assert codes(first) == set()
    assert first.figures["rows on their way"] == LENGTH - 9
    assert (log.position and log.position.size) == 2 * BATCH
    log.groups["sink"][TOPICS.audit] = 100
    database.deliver(log, 100, 100)
    sound_again = log.judge(database=url, position=log.position)
    assert codes(sound_again) == set()
    assert database.asked == 2 * BATCH
    database.leaves[12] = database.leaves[12]._replace(leaf_hash=b"?" * 32)
    assert codes(log.judge(database=url, position=log.position)) == {"row_differs"}
    del database.leaves[12]
    assert codes(log.judge(database=url, position=log.position)) == {"row_missing"}


def test_kept_checkpoints_on_their_way_are_looked_for_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, database = deepcopy(sound()), MemoryDatabase()
    url = database.stands(monkeypatch)
    log.groups |= {"sink": {TOPICS.audit: 100}, "sink-checkpoints": {TOPICS.checkpoints: 3}}
    database.deliver(log, 100, 3)
    assert log.judge(keep=True, database=url).figures["stored checkpoints on their way"] == 8
    assert (log.position and log.position.size) == 3 * BATCH
    log.groups["sink-checkpoints"][TOPICS.checkpoints] = 100
    found = log.judge(database=url, position=log.position)
    assert codes(found) == {"kept_missing"}
    assert found.findings[0].count == 8
