"""What retention explains, and what it does not."""

from __future__ import annotations

from aegis_streams.fsck.task import DAY_MS
from support.deciding import START
from support.memory_log import TOPICS, MemoryLog, memory_log, sample_values


def cut(topic: str, records: int, *, low: int) -> MemoryLog:
    """Return a log without the first records of a topic."""
    log = memory_log(sample_values(30))
    log.records[topic] = log.records[topic][records:]
    log.low[topic] = low
    return log


def test_what_is_old_enough_has_expired() -> None:
    found = cut(TOPICS.decisions, 5, low=5).judge(now_ms=START + 8 * DAY_MS)
    assert found.findings == []
    assert found.figures["decisions expired"] == 5


def test_what_is_too_young_was_removed() -> None:
    found = cut(TOPICS.decisions, 5, low=5).judge(now_ms=START + 6 * DAY_MS)
    assert [(str(each.code), each.count) for each in found.findings] == [("removed_early", 5)]


def test_a_topic_that_begins_at_its_beginning_lost_nothing_to_retention() -> None:
    found = cut(TOPICS.decisions, 5, low=0).judge(now_ms=START + 8 * DAY_MS)
    assert [(str(each.code), each.count) for each in found.findings] == [("decision_missing", 5)]


def test_nothing_expires_behind_the_first_that_is_there() -> None:
    log = cut(TOPICS.decisions, 5, low=5)
    del log.records[TOPICS.decisions][2]
    found = log.judge(now_ms=START + 8 * DAY_MS)
    assert [(str(each.code), each.count) for each in found.findings] == [("decision_missing", 1)]


def test_checkpoints_and_dead_letters_expire_too() -> None:
    log = cut(TOPICS.checkpoints, 4, low=4)
    log.records[TOPICS.letters] = log.records[TOPICS.letters][1:]
    log.low[TOPICS.letters] = 1
    found = log.judge(now_ms=START + 31 * DAY_MS)
    assert found.findings == []
    assert found.figures["dead letters expired"] == 1
