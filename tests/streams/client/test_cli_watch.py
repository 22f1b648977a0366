"""`aegis watch` and what it shows: a line, a JSON object, a colour, an exit code."""

from __future__ import annotations

import argparse
import json
from typing import Self

import pytest

from aegis_codecs.verifier import Verifier
from aegis_streams.cli import show, watch
from aegis_streams.client.consumer import VerifyingDecisionConsumer
from aegis_streams.client.decisions import DecisionReader, RefusedDecision, VerifiedDecision
from support.decisions import SignedStream, body
from support.logs import trust

Found = VerifiedDecision | RefusedDecision


def decisions() -> list[Found]:
    stream = SignedStream()
    reader = DecisionReader(Verifier(trust()), stream.decode)
    proceed, halt, dry = stream.seal(
        [
            body(),
            body(
                decision_id="d-2",
                proposal_id="é" * 50,
                status="halt",
                reason="gate_failed",
                novelty_outcome="failed",
                risk_outcome="failed",
            ),
            body(decision_id="d-3", dry_run=True, mode="shadow"),
        ]
    )
    lie = stream.forge(halt, {"status": "proceed"})
    return [reader.read(each) for each in (proceed, halt, dry, lie)]


PROCEED, HALT, DRY, LIE = decisions()


class FakeDecisions:
    """A consumer that hands these out once."""

    def __init__(self, *found: Found) -> None:
        self.found = list(found)
        self.start = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def poll(self, _timeout: float) -> list[Found]:
        handed, self.found = self.found, []
        return handed


def run(monkeypatch: pytest.MonkeyPatch, fake: FakeDecisions, *arguments: str) -> int:
    def connect(_settings: object, start: str) -> FakeDecisions:
        fake.start = start
        return fake

    monkeypatch.setattr(VerifyingDecisionConsumer, "connect", connect)
    parser = argparse.ArgumentParser()
    watch.register(parser.add_subparsers())
    args = parser.parse_args(["watch", *arguments])
    return int(args.run(args))


def test_plain_lines_have_stable_fields(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, FakeDecisions(PROCEED, HALT, DRY), "--limit", "3") == 0
    proceed, halt, dry = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert proceed == [
        "2026-01-01T00:00:00Z",
        "proceed",
        "agent-1",
        "p-1",
        "all_gates_passed",
        "d-1",
        "aegis/local/1/0#0",
        "verified",
    ]
    assert halt[4] == "gate_failed: risk, novelty"
    assert dry[4] == "all_gates_passed: dry run: mode shadow"


def test_machine_output_holds_the_whole_decision(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeDecisions(HALT, LIE)
    assert run(monkeypatch, fake, "--limit", "2", "--json", "--from", "earliest") == 1
    assert fake.start == "earliest"
    halt, lie = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert halt["verified"] is True
    assert halt["failing_gates"] == ["risk", "novelty"]
    assert halt["decision"]["content_sha256"] == bytes(halt_content()).hex()
    assert (halt["origin"], halt["index"], halt["size"]) == ("aegis/local/1/0", 1, 3)
    assert "risk, novelty" in halt["rationale"]
    assert halt["next_steps"]
    assert lie["verified"] is False
    assert lie["finding"] == "copies_differ"


def halt_content() -> bytes:
    assert isinstance(HALT, VerifiedDecision)
    return bytes(HALT.fields["content_sha256"])


def test_what_is_not_trusted_is_shown_and_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, FakeDecisions(PROCEED, LIE, HALT), "--limit", "3") == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("-\tNOT TRUSTED\tcopies_differ\taegis.decisions[0]@")


def test_terminal_lines_are_short_and_say_the_same() -> None:
    text = show.as_text(HALT).plain
    assert "halt" in text
    assert "✓ aegis/local/1/0#1" in text
    assert "é" * 31 + "…" in text
    assert "NOT TRUSTED" in show.as_text(LIE).plain


@pytest.mark.parametrize(
    ("limit", "silence", "expected"), [(None, 2.0, 4), (1, None, 1), (3, 2.0, 3), (9, 2.0, 4)]
)
def test_watching_ends_by_number_or_silence(
    limit: int | None, silence: float | None, expected: int
) -> None:
    now = [0.0]

    def poll(timeout: float) -> list[Found]:
        now[0] += timeout
        return left.pop(0) if left else []

    left: list[list[Found]] = [[], [PROCEED], [], [HALT, DRY], [LIE]]
    assert len(list(watch.arriving(poll, limit, silence, lambda: now[0]))) == expected
