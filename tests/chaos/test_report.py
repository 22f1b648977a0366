"""What a run reports: gaps, recoveries, counts, and what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.arrivals import Arrivals, Gap
from chaos.oracle.findings import Findings
from chaos.report import Report
from chaos.timeline import Event

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def arrivals() -> Arrivals:
    made = Arrivals(2)
    for at in (0.0, 1.0, 1.5, 6.0, 6.1):
        made.note("leaves", 0, at)
    for at in (0.5, 2.0, 2.5, 3.0):
        made.note("leaves", 1, at)
    return made


@pytest.fixture
def report() -> Report:
    return Report(
        plan={"job": "aegis", "seed": 7, "duration": 90.0, "rate": 100.0, "partitions": 2},
        counts={"kill -9": 12},
        load={"avro.proceed": 900, "command": 30},
        exits={"SIGKILL": 12},
        undone={"ILLEGAL_GENERATION": 2},
        gaps={"decide": {0: [(1.5, 4.5)], 1: []}, "seal": {0: [], 1: []}},
        recoveries=[{"at": 1.0, "kind": "kill", "target": "decide-0", "decide": 5.0, "seal": None}],
        checked={"chain": 900},
        findings=[],
        faults=[],
        events=[Event(1.0, "kill", "decide-0", "")],
    )


def test_a_gap_is_a_silence_of_one_partition(arrivals: Arrivals) -> None:
    assert arrivals.gaps("leaves", 1.2, 0) == {0: [Gap(1.5, 4.5)], 1: [Gap(0.5, 1.5)]}
    assert arrivals.gaps("leaves", 1.2, 1) == {0: [Gap(1.5, 4.5)], 1: []}


def test_recovery_ends_with_the_last_partition(arrivals: Arrivals) -> None:
    assert arrivals.recovery("leaves", 1.5) == 4.5
    assert arrivals.recovery("leaves", 0.1) == 0.9


def test_no_recovery_without_a_record(arrivals: Arrivals) -> None:
    assert arrivals.recovery("leaves", 3.0) is None


def test_a_sound_run_says_so(report: Report) -> None:
    assert report.sound
    assert report.text().splitlines()[-1] == "nothing is wrong"
    assert "930 inputs of 2 kinds" in report.text()
    assert "decide: 1 gaps of 1 s and more; longest per partition 0: 4.5 s, 1: 0.0 s" in (
        report.text()
    )
    assert "kill median 5.0 s, longest 5.0 s" in report.text()


def test_findings_and_faults_are_wrong(report: Report) -> None:
    findings = Findings()
    findings.add("leaf_missing", "here", "an input without a leaf")
    findings.add("leaf_missing", "there", "an input without a leaf")
    assert not replace(report, findings=findings.lines()).sound
    assert not replace(report, faults=["kafka did not come back"]).sound
    text = replace(report, findings=findings.lines(), faults=["late"]).text()
    assert text.splitlines()[-2:] == [
        "WRONG leaf_missing: here: an input without a leaf (2 of them)",
        "WRONG late",
    ]


def test_a_report_is_kept_as_json(report: Report, tmp_path: Path) -> None:
    path = report.save(tmp_path / "chaos")
    assert path.name == "chaos-7.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["counts"] == {"kill -9": 12}
    assert kept["events"] == [[1.0, "kill", "decide-0", ""]]
