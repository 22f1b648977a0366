"""Nothing that somebody might take as judged is left out without a word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_streams import fsck
from support.deciding import LOG
from support.logs import log_keys
from support.memory_log import PROPOSALS, TOPICS, MemoryLog, memory_log, sample_values

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY = [TOPICS.audit, TOPICS.checkpoints, TOPICS.decisions, TOPICS.letters, PROPOSALS]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    log = memory_log(sample_values(10))
    for module in ("run", "stream"):
        monkeypatch.setattr(f"aegis_streams.fsck.{module}.Kafka", lambda _: log)
    return log


def judged(log: MemoryLog, since: Sequence[bytes] = ()) -> fsck.Report:
    return fsck.judge([log.task(since=since)], processes=1)


def test_logs_of_the_trust_file_that_were_not_judged_are_told(log: MemoryLog) -> None:
    report = judged(log)
    assert (report.exit_code, report.findings, report.could_not) == (0, [], [])
    assert report.told == ["3 logs of aegis/test/1 in the trust file were not judged"]
    assert report.as_dict()["told"] == report.told


@pytest.mark.parametrize("topic", EVERY)
@pytest.mark.parametrize("partitions", [3, 5])
def test_a_topic_has_as_many_partitions_as_the_trust_file_logs(
    log: MemoryLog, topic: str, partitions: int
) -> None:
    log.grown[topic] = partitions
    report = judged(log)
    (found,) = report.findings
    assert (found.code, found.where) == ("partitions", {"topic": topic})
    assert report.exit_code == 1


def test_a_log_the_trust_file_does_not_know_asks_for_its_partition_alone(log: MemoryLog) -> None:
    for partition in (0, 4):
        task = replace(log.task(), log=f"aegis/else/1/{partition}", partition=partition)
        assert bool(fsck.judge([task], processes=1).findings) == (partition == 4)


@pytest.mark.parametrize("origin", ["aegis/test/2/3", "aegis/else/1/3", LOG])
def test_a_retained_checkpoint_of_no_judged_log_was_not_checked(
    log: MemoryLog, origin: str
) -> None:
    head = Checkpoint.parse(log.notes[0].split(b"\n\n")[0] + b"\n")
    note = log_keys().checkpoint_signer(origin).seal(head._replace(origin=origin))
    report = judged(log, since=[note])
    if origin == LOG:
        assert (report.exit_code, report.could_not) == (0, [])
    else:
        assert report.could_not == [f"kept-0: its log {origin} is not among those judged"]
        assert report.exit_code == 2
        assert report.logs[0].figures["leaves"] == 11
