"""The page of a run, and what each job makes of a schedule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.job import AEGIS, STOCK, stock
from chaos.page import page, percentile, save_page
from chaos.report import Report
from chaos.schedule import schedule
from chaos.timeline import Event

if TYPE_CHECKING:
    from pathlib import Path

SOUND = Report(
    plan={"job": "aegis", "seed": 7, "duration": 90.0, "rate": 100.0, "partitions": 2},
    counts={"kill -9": 12},
    load={"avro.proceed": 900},
    exits={"SIGKILL": 12},
    undone={},
    gaps={"decide": {0: [(1.5, 4.5)], 1: []}, "seal": {0: [], 1: []}},
    recoveries=[
        {"at": 1.0, "kind": "kill", "target": "decide-0", "decide": 5.0, "seal": 6.5},
        {"at": 9.0, "kind": "kill", "target": "seal-0", "decide": None, "seal": 2.5},
        {"at": 20.0, "kind": "cut", "target": "seal-0", "decide": None, "seal": None},
    ],
    checked={"chain": 900},
    findings=[],
    faults=[],
    events=[
        Event(1.0, "kill", "decide-0", ""),
        Event(2.0, "cannot", "kafka", "disk_full: mounting a disk of its own needs root"),
    ],
)
FAILED = replace(
    SOUND, plan={**SOUND.plan, "job": "stock at_least_once"}, findings=["leaf_missing: here"]
)


def test_a_page_shows_both_jobs_side_by_side() -> None:
    text = page([SOUND, FAILED])
    assert "| aegis | 90 | 900 | 0 | 0 | 900 | sound |" in text
    assert "| stock at_least_once | 90 | 900 | 1 | 0 | 900 | **not sound** |" in text
    assert "| kill -9 | 12 | 12 |" in text
    assert "- leaf_missing: here" in text


def test_a_page_has_gaps_recoveries_and_events() -> None:
    text = page([SOUND])
    assert "| decide | 0 | 1 | 4.5 | 4.5 | 4.5 |" in text
    assert "| kill | 2 | 4.5 | 6.5 | 6.5 |" in text
    assert "     1.00  kill             decide-0" in text
    assert "make chaos SEED=7 DURATION=90" in text


def test_a_page_says_what_the_machine_cannot_do() -> None:
    assert "needs root" in page([SOUND]).split("## Load")[0]


def test_a_page_is_kept(tmp_path: Path) -> None:
    assert save_page([SOUND], tmp_path).read_text(encoding="utf-8") == page([SOUND])
    assert FAILED.save(tmp_path).name == "chaos-7-stock-at_least_once.json"


def test_a_control_is_as_expected_only_if_it_failed() -> None:
    assert SOUND.as_expected
    assert FAILED.as_expected
    assert not replace(FAILED, findings=[], faults=["it never came up"]).as_expected
    assert not replace(SOUND, findings=["leaf_missing: here"]).as_expected


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([1.0, 2.0], 0.99) == 2.0
    assert percentile([1.0], 0.0) == 1.0


@pytest.mark.parametrize("guarantee", STOCK)
def test_a_control_gets_what_applies_to_it(guarantee: str) -> None:
    planned = schedule(3, 600)
    steps = stock(guarantee).steps(planned)
    assert AEGIS.steps(planned) == planned
    assert {step.role for step in steps} == {"", "decide"}
    assert not {"inject", "clock"} & {step.action for step in steps}
    kept = [step.at for step in planned if step.role != "seal" and step.action != "clock"]
    assert [step.at for step in steps] == kept
