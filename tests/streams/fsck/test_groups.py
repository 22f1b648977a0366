"""What consumer groups committed has left its traces, or somebody took them away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.fsck.task import DAY_MS
from support.deciding import START
from support.memory_database import MemoryDatabase
from support.memory_log import PROPOSALS, TOPICS, MemoryLog, memory_log, sample_values

if TYPE_CHECKING:
    import pytest

    from aegis_streams.fsck.task import Judged

INPUTS = 30


def worked_off() -> MemoryLog:
    """Return a log whose groups committed everything."""
    log = memory_log(sample_values(INPUTS))
    leaves, checkpoints = len(log.records[TOPICS.audit]), len(log.records[TOPICS.checkpoints])
    log.groups = {
        "decide": {PROPOSALS: INPUTS},
        "seal": {TOPICS.audit: leaves},
        "sink": {TOPICS.audit: leaves},
        "sink-checkpoints": {TOPICS.checkpoints: checkpoints},
    }
    return log


def counts(found: Judged) -> list[tuple[str, int]]:
    return [(str(each.code), each.count) for each in found.findings]


def test_what_left_its_traces_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    log, database = worked_off(), MemoryDatabase()
    database.deliver(log, 100, 100)
    found = log.judge(database=database.stands(monkeypatch))
    assert counts(found) == []
    assert found.figures["rows"] == len(log.records[TOPICS.audit])
    assert found.figures["inputs waiting"] == found.figures["rows on their way"] == 0


def test_an_input_the_decider_passed_over_at_the_end() -> None:
    log = worked_off()
    log.records[PROPOSALS] += [
        (INPUTS + n, START, b"agent-1", b"not decided") for n in range(2)
    ]  # the first of them was committed
    log.groups["decide"][PROPOSALS] = INPUTS + 1
    found = log.judge()
    assert counts(found) == [("input_without_leaf", 1)]
    assert found.findings[0].where["offset"] == INPUTS
    assert found.figures["inputs waiting"] == 1


def test_the_end_of_the_leaves_was_cut_and_the_decider_knows_better() -> None:
    """Nothing was signed about the last leaf, and no other topic shows it."""
    log = memory_log(sample_values(INPUTS), batch=INPUTS)
    for topic in (TOPICS.audit, TOPICS.decisions, TOPICS.checkpoints):
        del log.records[topic][-1]
    assert counts(log.judge()) == []
    log.groups["decide"] = {PROPOSALS: INPUTS}
    assert counts(log.judge()) == [("input_without_leaf", 1)]


def test_the_newest_checkpoint_is_held_back_and_the_sealer_knows_better() -> None:
    log = worked_off()
    del log.records[TOPICS.checkpoints][-1]
    sealed = log.groups["seal"][TOPICS.audit]
    log.records[TOPICS.decisions] = [
        each for each in log.records[TOPICS.decisions] if log.notes[-1] not in (each[3] or b"")
    ]  # no receipt shows it either
    found = log.judge()
    assert counts(found) == [("checkpoint_missing", 1)]
    assert found.findings[0].where["sequence"] == sealed - 1
    log.groups["seal"][TOPICS.audit] = sealed - 4
    assert counts(log.judge()) == []


def test_checkpoints_of_a_log_that_was_quiet_for_long_have_expired() -> None:
    log = worked_off()
    for topic in (TOPICS.checkpoints, TOPICS.decisions):
        log.low[topic] = len(log.records[topic])
        log.records[topic] = []
    assert counts(log.judge(now_ms=START + 8 * DAY_MS)) == []
    assert counts(log.judge(now_ms=START + 6 * DAY_MS)) == [("removed_early", 1)]
    log.low[TOPICS.checkpoints] = 0
    assert counts(log.judge(now_ms=START + 8 * DAY_MS)) == [("checkpoint_missing", 1)]


def test_rows_and_checkpoints_that_the_sink_delivered_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, database = worked_off(), MemoryDatabase()
    url = database.stands(monkeypatch)
    leaves, checkpoints = len(log.records[TOPICS.audit]), len(log.records[TOPICS.checkpoints])
    database.deliver(log, leaves - 3, checkpoints - 1)
    assert counts(log.judge(database=url)) == [("row_missing", 3), ("kept_missing", 1)]
    log.groups["sink"][TOPICS.audit] = leaves - 2
    log.groups["sink-checkpoints"][TOPICS.checkpoints] = checkpoints - 1
    found = log.judge(database=url)
    assert counts(found) == [("row_missing", 1)]
    assert found.figures["rows on their way"] == 2
    assert found.figures["stored checkpoints on their way"] == 1
