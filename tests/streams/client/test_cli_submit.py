"""`aegis submit`: every place of a source is sent or named, with its line and its field."""

from __future__ import annotations

import argparse
import io
import json
import sys
from typing import TYPE_CHECKING, Any, Self

import pytest

from aegis_codecs.records.proposals import to_json, validate_record
from aegis_streams.cli import submit
from aegis_streams.client.errors import ProposalError
from aegis_streams.client.producer import Delivered, ProposalProducer
from support.decisions import proposal
from support.git_history import GitRepository, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class FakeProducer:
    """Takes proposals that are valid and delivers them when the block is left."""

    def __init__(self, on_delivered: Callable[[Delivered], None]) -> None:
        self.on_delivered = on_delivered
        self.taken: list[Mapping[str, Any]] = []
        self.sent = 0
        self.delivered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for taken in self.taken:
            self.delivered += 1
            self.on_delivered(Delivered(taken["proposal_id"], 2, self.delivered))

    def wait(self, seconds: float) -> None:
        raise AssertionError(f"no rate was asked for, yet {seconds} s of waiting")

    def submit(self, made: Mapping[str, Any]) -> None:
        fault = validate_record(made)
        if fault is not None:
            raise ProposalError(f"{fault.field}: {fault.value!r} is not accepted; {fault.allowed}")
        self.taken.append(made)
        self.sent += 1


@pytest.fixture
def producers(monkeypatch: pytest.MonkeyPatch) -> list[FakeProducer]:
    made: list[FakeProducer] = []

    def connect(_: object, on_delivered: Callable[[Delivered], None]) -> FakeProducer:
        made.append(FakeProducer(on_delivered))
        return made[-1]

    monkeypatch.setattr(ProposalProducer, "connect", connect)
    return made


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    submit.register(parser.add_subparsers())
    args = parser.parse_args(["submit", *arguments])
    return int(args.run(args))


def line(**changes: object) -> str:
    return to_json({**proposal(), **changes})


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.jsonl"
    wrong = line(proposal_id="p-4").replace('"risk_proposed"', '"risk_propsed"')
    path.write_text(
        "\n".join(
            [line(proposal_id="p-1"), "", "{ no json", wrong, line(quality_score=3.0), line()]
        )
    )
    return path


def test_bad_lines_are_named_and_the_others_sent(
    producers: list[FakeProducer], mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(mixed)) == 65
    assert [made["proposal_id"] for made in producers[0].taken] == ["p-1", "p-1"]
    out, err = capsys.readouterr()
    assert out == "2 proposals sent, 3 refused; `aegis watch` shows the decisions\n"
    first, second, third = err.splitlines()
    assert first.startswith(f"{mixed}:3: value: not JSON")
    assert second.startswith(f"{mixed}:4: ")
    assert "risk_proposed" in second
    assert third.startswith(f"{mixed}:5: quality_score: 3.0 is not accepted")


def test_strict_stops_at_the_first_bad_line(
    producers: list[FakeProducer], mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(mixed), "--strict") == 65
    assert len(producers[0].taken) == 1
    assert capsys.readouterr().out.startswith("1 proposals sent, 1 refused")


def test_machine_output_names_place_and_field(
    producers: list[FakeProducer], mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(mixed), "--json") == 65
    assert len(producers) == 1
    out, err = capsys.readouterr()
    assert err == ""
    objects = [json.loads(text) for text in out.splitlines()]
    assert [each["delivered"] for each in objects] == [False, False, False, True, True]
    assert [each["field"] for each in objects[:3]] == ["value", "risk_propsed", "quality_score"]
    assert objects[2]["at"] == f"{mixed}:5"
    assert objects[3] == {"delivered": True, "proposal_id": "p-1", "partition": 2, "offset": 1}


def test_standard_input(
    producers: list[FakeProducer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{line()}\nx\n".encode())))
    assert run("-") == 65
    assert len(producers[0].taken) == 1
    assert capsys.readouterr().err.startswith("standard input:2: ")


def test_a_repository_and_its_newest_changes(
    producers: list[FakeProducer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = GitRepository(tmp_path / "repository")
    shas = [repository.commit(f"Change {n}", {"a.py": lines(n)}) for n in range(1, 4)]
    assert run("--git", str(repository.path)) == 0
    assert run("--git", str(repository.path), "--limit", "2") == 0
    all_of_them, newest = producers
    assert [made["proposal_id"] for made in all_of_them.taken] == [f"git-{sha}" for sha in shas]
    assert newest.taken == all_of_them.taken[1:]
    assert capsys.readouterr().out.startswith("3 proposals sent; ")


def test_a_shallow_clone_is_said_to_be_one(
    producers: list[FakeProducer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = GitRepository(tmp_path / "repository")
    for n in range(1, 4):
        repository.commit(f"Change {n}", {"a.py": lines(n)})
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(clone))
    assert run("--git", str(clone)) == 0
    assert len(producers[0].taken) == 1
    assert "the clone is shallow" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["/nowhere.jsonl"], ["--git", "/nowhere"]])
def test_a_source_that_cannot_be_read(
    producers: list[FakeProducer], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 65
    assert producers == []
    assert "aegis submit: /nowhere" in capsys.readouterr().err


def test_a_rate_is_kept_while_deliveries_are_served(
    producers: list[FakeProducer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def pace(rate: float | None, sleep: Callable[[float], object]) -> Ticks:
        assert rate == 7.5
        return Ticks(sleep)

    class Ticks:
        def __init__(self, sleep: Callable[[float], object]) -> None:
            self.sleep = sleep

        def next(self) -> None:
            self.sleep(0.1)

    monkeypatch.setattr(submit, "Pace", pace)
    monkeypatch.setattr(FakeProducer, "wait", lambda _, seconds: waited.append(seconds))
    path = tmp_path / "two.jsonl"
    path.write_text(f"{line()}\n{line(proposal_id='p-2')}\n")
    assert run(str(path), "--rate", "7.5") == 0
    assert waited == [0.1, 0.1]
    assert len(producers[0].taken) == 2
