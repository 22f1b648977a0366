"""Positions of earlier runs: kept whole, never believed without the log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aegis_streams.fsck import CannotCheckError, StateFile
from support.memory_log import TOPICS, MemoryLog, memory_log, sample_values

if TYPE_CHECKING:
    from pathlib import Path

    from aegis_streams.fsck.state import Position


def verified(log: MemoryLog) -> Position:
    assert log.judge(keep=True).findings == []
    assert log.position is not None
    return log.position


def test_a_file_holds_what_was_saved(tmp_path: Path) -> None:
    position = verified(memory_log(sample_values(20)))
    state = StateFile(tmp_path / "state", {position.log: position})
    state.save()
    assert StateFile.load(tmp_path / "state").positions == state.positions
    assert StateFile.load(tmp_path / "none").positions == {}


def test_an_edit_is_noticed(tmp_path: Path) -> None:
    position = verified(memory_log(sample_values(20)))
    path = tmp_path / "state"
    StateFile(path, {position.log: position}).save()
    path.write_text(path.read_text().replace('"size": 2', '"size": 1'))
    with pytest.raises(CannotCheckError, match="it was edited"):
        StateFile.load(path)


def test_a_log_that_was_rewritten_since_is_not_resumed() -> None:
    position = verified(memory_log(sample_values(20)))
    other = memory_log([*sample_values(10), *sample_values(30)[10:]][1:])
    found = other.judge(keep=True, position=position)
    assert [str(each.code) for each in found.findings] == ["state_differs"]
    assert found.figures["leaves"] == len(other.records[TOPICS.audit])


def test_a_checkpoint_from_before_the_position_asks_for_everything() -> None:
    log = memory_log(sample_values(20))
    position = verified(log)
    found = log.judge(keep=True, position=position, since=[log.notes[0]])
    assert found.findings == []
    assert "everything is read again" in found.told[0]
    assert found.figures["inputs"] == 20


def test_another_trust_file_asks_for_everything() -> None:
    log = memory_log(sample_values(20))
    position = replace(verified(log), trust="another")
    assert "the trust file is another" in log.judge(position=position).told[0]


def test_a_log_with_findings_has_no_position() -> None:
    log = memory_log(sample_values(20))
    del log.records[TOPICS.decisions][2]
    assert log.judge(keep=True).position is None
