from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.plan import SECTIONS

if TYPE_CHECKING:
    from pathlib import Path


def test_budget_names_every_stage(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    assert main(["budget", "--quick", "--output", str(output)]) == 0
    result = json.loads(output.read_text(encoding="utf-8"))
    budget = result["sections"]["budget"]
    assert set(budget) == {"decide_us", "seal_us", "batch_us"}
    assert all(value > 0 for stages in budget.values() for value in stages.values())
    assert {"processor", "cores", "python"} <= set(result["machine"])


def test_unknown_sections_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "there are" in capsys.readouterr().err


@pytest.mark.stack
def test_a_quick_run_measures_everything(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    assert main(["--quick", "--output", str(output)]) == 0
    result = json.loads(output.read_text(encoding="utf-8"))
    sections = result["sections"]
    assert set(sections) == set(SECTIONS)
    for name in ("decide", "bare", "seal"):
        assert sections[name]["per_second"] > 0
        assert sections[name]["per_cpu_second"] > 0
    assert sections["together"]["per_second"] > 0
    assert sections["sink"]["per_second"] > 0
    assert sections["sink"]["refused"] == 0
    assert (
        0 < sections["latency"]["verified_ms"]["p50"] <= sections["latency"]["verified_ms"]["max"]
    )
    assert len(sections["failover"]["decide_seconds"]) == 1
    assert sections["restore"]["records"] >= sections["restore"]["keys"]
    assert sections["disk"]["aegis.audit"] is None or sections["disk"]["aegis.audit"] > 0
    assert all({"name", "target", "value", "met"} == set(each) for each in result["targets"])
