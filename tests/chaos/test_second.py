"""What the second judge says ends up among the findings, whatever it says."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from chaos.oracle.findings import Findings
from chaos.second import judge_again

GOOD: dict[str, Any] = {"findings": [], "could_not_check": [], "logs": []}


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    def answer(code: int, text: str) -> Findings:
        done = subprocess.CompletedProcess([], code, text, "stderr")
        monkeypatch.setattr("chaos.second.subprocess.run", lambda *_, **__: done)
        findings = Findings()
        judge_again({}, findings)
        return findings

    return answer


def test_all_good_is_no_finding(says: Any) -> None:
    findings = says(0, json.dumps(GOOD))
    assert findings.lines() == []
    assert findings.checked["fsck"] == 1


def test_a_finding_of_a_log_keeps_its_name(says: Any) -> None:
    found = {"finding": "tree_root", "where": {"sequence": 7}, "detail": "signed for 8 leaves"}
    log = {"log": "aegis/local/1/0", "findings": [found], "could_not_check": ["a key"]}
    findings = says(1, json.dumps({**GOOD, "logs": [log]}))
    assert set(findings.counts) == {"fsck_tree_root", "fsck_could_not_check"}
    assert "signed for 8 leaves" in findings.lines()[0]


def test_no_report_and_an_unexplained_end_are_findings(says: Any) -> None:
    assert "fsck_no_report" in says(70, "").counts
    assert "fsck_exit_code" in says(2, json.dumps(GOOD)).counts
