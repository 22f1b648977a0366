"""`aegis fsck`: what is said, and the exit code that scripts rely on."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aegis_codecs.trust import Cut
from aegis_codecs.trust_file import render_trust
from aegis_streams import fsck
from aegis_streams.cli import fsck as cli
from aegis_streams.fsck.findings import Code, Found
from aegis_streams.fsck.task import Judged
from support.logs import ORIGIN, SampleLog, epoch, trust

if TYPE_CHECKING:
    from pathlib import Path

LACKING = Found(Code.TAIL_CUT, ORIGIN, {"topic": "aegis.checkpoints", "offset": 3}, "9 of 7")


class Judge:
    """Takes the tasks, and gives a report."""

    def __init__(self, *logs: Judged) -> None:
        self.logs = list(logs)
        self.tasks: list[fsck.Task] = []

    def __call__(self, tasks: list[fsck.Task], **_: object) -> fsck.Report:
        self.tasks = tasks
        return fsck.Report(self.logs)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AEGIS_HOME", str(tmp_path))
    monkeypatch.delenv("AEGIS_DATABASE_URL", raising=False)
    (tmp_path / "trust.json").write_bytes(render_trust(trust()))
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, judge: Judge, *arguments: object) -> int:
    monkeypatch.setattr(fsck, "judge", judge)
    parser = argparse.ArgumentParser()
    cli.register(parser.add_subparsers())
    args = parser.parse_args(["fsck", *map(str, arguments)])
    return int(args.run(args))


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("log", "code", "words"),
    [
        (Judged(ORIGIN, figures={"leaves": 7}), 0, "all good: 7 leaves"),
        (Judged(ORIGIN, could_not=["no answer"]), 2, "could not check everything"),
        (Judged(ORIGIN, [LACKING]), 1, "FINDING tail_cut (1): 9 of 7"),
        (Judged(ORIGIN, [LACKING], ["no answer"]), 1, "NOT TRUSTED"),
    ],
)
def test_findings_win_over_what_could_not_be_checked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    log: Judged,
    code: int,
    words: str,
) -> None:
    assert run(monkeypatch, Judge(log)) == code
    assert words in capsys.readouterr().out


@pytest.mark.usefixtures("home")
def test_json_is_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, Judge(Judged(ORIGIN, [LACKING])), "--json") == 1
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["result"], told["exit_code"]) == ("not_trusted", 1)
    (found,) = told["logs"][0]["findings"]
    assert found["finding"] == "tail_cut"
    assert found["where"] == {"topic": "aegis.checkpoints", "offset": 3}
    assert "cut off" in found["means"]


@pytest.mark.usefixtures("home")
def test_what_is_judged_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge()
    run(monkeypatch, judge)
    assert [task.log for task in judge.tasks] == ["aegis/local/1/0", "aegis/local/1/1"]
    assert (judge.tasks[0].source.bootstrap, judge.tasks[0].source.database) == (
        "127.0.0.1:19092",
        None,
    )
    run(monkeypatch, judge, "--database", "postgresql://there", "--log", "aegis/local/1/2")
    (task,) = judge.tasks
    assert (task.log, task.partition) == ("aegis/local/1/2", 2)
    assert (task.source.bootstrap, task.source.database) == (None, "postgresql://there")
    run(monkeypatch, judge, "--kafka", "--database", "postgresql://there")
    assert judge.tasks[0].source.bootstrap is not None


def test_the_logs_of_the_trust_file_are_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    """Whatever the settings say, if it knows one epoch; of several, that of the settings."""
    judge, file = Judge(), home / "trust.json"
    ended = replace(epoch(number=2), cut=(Cut(1, bytes(32)), Cut(1, bytes(32))))
    file.write_bytes(render_trust(trust(epoch(number=3, partitions=12))))
    run(monkeypatch, judge)
    logs = [f"aegis/local/3/{n}" for n in range(12)]
    assert [task.log for task in judge.tasks] == logs
    assert [task.partition for task in judge.tasks] == list(range(12))
    file.write_bytes(render_trust(trust(ended, epoch(number=3, partitions=12))))
    assert run(monkeypatch, judge) == 2
    assert "no log of aegis/local/1, but those of aegis/local/2, " in capsys.readouterr().err
    monkeypatch.setenv("AEGIS_EPOCH", "3")
    run(monkeypatch, judge)
    assert [task.log for task in judge.tasks] == logs


def test_a_retained_file_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    kept = home / "kept"
    (kept / "older").mkdir(parents=True)
    assert run(monkeypatch, Judge(), "--since", kept) == 2
    assert f"--since {kept / 'older'}: " in capsys.readouterr().err
    (kept / "older").rmdir()
    (kept / "letter").write_text("no note")
    assert run(monkeypatch, Judge(), "--since", kept) == 2
    assert f"--since {kept / 'letter'}: " in capsys.readouterr().err


def test_retained_checkpoints_come_back(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    log = SampleLog()
    log.append([b"one", b"two"])
    judge = Judge(Judged(ORIGIN, newest=log.seal()))
    assert run(monkeypatch, judge, "--retain", home / "kept") == 0
    assert run(monkeypatch, judge, "--since", home / "kept") == 0
    ((name, note),) = judge.tasks[0].since
    assert name.endswith("aegis_local_1_0-2.checkpoint")
    assert note == judge.logs[0].newest


@pytest.mark.parametrize(
    "arguments",
    [
        ("--trust", "/nowhere/trust.json"),
        ("--since", "/nowhere/note"),
        ("--retain", "/dev/null/kept"),
        ("--database",),
        ("--log", "not an origin"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_is_missing_on_this_side_could_not_be_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(monkeypatch, Judge(), *arguments) == 2
    assert "aegis fsck: " in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_a_kafka_that_is_not_there_could_not_be_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AEGIS_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setattr("aegis_streams.fsck.kafka.ANSWER_SECONDS", 1.0)
    parser = argparse.ArgumentParser()
    cli.register(parser.add_subparsers())
    args = parser.parse_args(["fsck"])
    assert args.run(args) == 2
    assert "no answer from Kafka at 127.0.0.1:9" in capsys.readouterr().err
