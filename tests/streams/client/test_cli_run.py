"""What `aegis run` shows of its results, on a terminal and to programs."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from aegis_codecs.verifier import Verifier
from aegis_streams.cli import run, run_table
from aegis_streams.client.decisions import DecisionReader, RefusedDecision, VerifiedDecision
from aegis_streams.client.demo import Answer, DemoResult
from aegis_streams.client.outcomes import Outcome
from aegis_streams.client.producer import Delivered
from aegis_streams.sink.summary import Newest, Summary
from support.decisions import SignedStream, body
from support.git_history import GitRepository, lines
from support.logs import trust

if TYPE_CHECKING:
    from pathlib import Path


def verified(**changes: object) -> VerifiedDecision:
    stream = SignedStream()
    (record,) = stream.seal([body(None, **changes)])
    found = DecisionReader(Verifier(trust()), stream.decode).read(record)
    assert isinstance(found, VerifiedDecision)
    return found


def decided(title: str, expect: str = "", **changes: object) -> Answer:
    made = verified(**changes)
    outcome = Outcome(Delivered(title, 0, 1), "decided", made.decision_id, decision=made)
    return Answer(title, outcome, expect)


@pytest.fixture
def result() -> DemoResult:
    sent = Delivered("x", 0, 2)
    earlier = verified(decision_id="d-old", status="halt", reason="gate_failed")
    return DemoResult(
        changes=[
            *(decided(f"Change {number}") for number in range(30)),
            Answer("Known and read again", Outcome(sent, "repeated", "d-old", decision=earlier)),
            Answer("Known and long ago", Outcome(sent, "repeated", "d-older")),
        ],
        cases=[
            decided("fine", "proceed all_gates_passed"),
            decided("other", "halt gate_failed", status="pause", reason="human_review"),
            Answer(
                "cut-off",
                Outcome(sent, "rejected", reason="undecodable", detail="value: not JSON"),
                "rejected undecodable",
            ),
        ],
        refused=[],
    )


def shown(result: DemoResult) -> str:
    out = io.StringIO()
    console = Console(file=out, width=160)
    for table in run_table.result_tables(result):
        console.print(table)
    console.print(run_table.next_steps(result, "aegis"))
    return out.getvalue()


def test_tables_show_the_newest_changes_and_all_cases(result: DemoResult) -> None:
    text = shown(result)
    assert "20 of 32, newest last" in text
    assert "Change 11" not in text
    assert "Change 29" in text
    for name in ("fine", "other", "cut-off"):
        assert name in text
    assert "(expected: halt gate_failed)" in text
    assert "undecodable: value: not JSON" in text
    assert "no decision, a leaf only" in text


def test_repeats_show_the_decision_that_holds(result: DemoResult) -> None:
    text = shown(result)
    assert "halt: gate_failed" in text
    assert "not verified here" in text
    assert "1 of them lie too far back" in text
    assert "`aegis receipt d-older` verifies one" in text
    assert "decided by an earlier run" in text


def test_sums_and_what_to_type_next(result: DemoResult) -> None:
    assert run_table.counts(result) == {
        "proceed": 31,
        "pause": 1,
        "halt": 0,
        "escalate": 0,
        "repeated": 2,
        "rejected": 1,
    }
    text = shown(result)
    assert (
        "35 proposals: 31 proceed, 1 pause, 2 repeated, 1 rejected. 33 decisions verified." in text
    )
    for command in ("watch", "receipt d-1", "verify r.tlog-proof", "status", "down"):
        assert f"aegis {command}" in text


STORED = Summary(
    {"DecisionMade": 33},
    4,
    0,
    [Newest("2026-01-01T00:00:00Z", "aegis/local/1/0#7", "agent", "d-1", "halt", "risk")],
)


def test_the_database_is_shown() -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(run_table.database_table(STORED))
    text = console.export_text()
    assert "PostgreSQL: 33 DecisionMade; 4 checkpoints, 0 refused" in text
    assert "aegis/local/1/0#7" in text
    assert "d-1" in text


def test_machine_output_is_json_and_complete(result: DemoResult) -> None:
    told: dict[str, Any] = json.loads(json.dumps(run._as_object(result, STORED), default=bytes.hex))
    assert len(told["changes"]) == 32
    assert told["cases"][1]["as_expected"] is False
    assert told["cases"][2]["decision"] is None
    assert told["changes"][0]["decision"]["verified"] is True
    assert told["counts"]["proceed"] == 31
    assert told["database"]["kinds"] == {"DecisionMade": 33}
    assert told["database"]["newest"][0]["decision_id"] == "d-1"


def test_without_repository_there_are_no_changes_and_a_word_about_it(tmp_path: Path) -> None:
    told: list[str] = []

    class Narrator:
        def step(self, text: str) -> None:
            told.append(text)

    repository = GitRepository(tmp_path / "repository")
    assert run._changes(repository.path, 5, Narrator()) == []  # type: ignore[arg-type]  # one method is used
    assert "has no commit yet" in told[0]
    for number in range(1, 8):
        repository.commit(f"Change {number}", {"a.py": lines(number)})
    changes = run._changes(repository.path, 5, Narrator())  # type: ignore[arg-type]  # as above
    assert [change["proposal_summary"] for change in changes] == [
        f"Change {number}" for number in range(3, 8)
    ]


def test_refused_decisions_are_shown(
    result: DemoResult, capsys: pytest.CaptureFixture[str]
) -> None:
    lie = RefusedDecision("copies_differ", "status: 'proceed'", "aegis.decisions", 0, 4)
    run._show(DemoResult(result.changes, result.cases, [lie]), STORED)
    assert "NOT TRUSTED: copies_differ: status: 'proceed'" in capsys.readouterr().out


def test_an_edge_case_that_came_out_otherwise_is_named_and_fails_the_run(
    result: DemoResult, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run._verdict(result) == 1
    told = capsys.readouterr().err
    assert told.startswith("aegis run: other: pause human_review, expected halt gate_failed;")
    assert len(told.splitlines()) == 1
    as_expected = DemoResult(result.changes, [result.cases[0], result.cases[2]], [])
    assert run._verdict(as_expected) == 0
    assert capsys.readouterr().err == ""
