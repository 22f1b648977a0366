"""The alert rules: well formed, and about metrics that exist. tests/deploy asks `promtool`."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import yaml

from aegis_streams.metrics.sink import SinkMetrics
from support.sources import REPOSITORY

RULES: Final = REPOSITORY / "monitoring" / "prometheus" / "alerting-rules.yaml"


def rules() -> list[dict[str, Any]]:
    groups = {group["name"]: group for group in yaml.safe_load(RULES.read_text())["groups"]}
    found: list[dict[str, Any]] = groups["aegis-sink"]["rules"]
    return found


def exported() -> set[str]:
    metrics = SinkMetrics()
    families = {family.name for family in metrics.registry.collect()}
    return families | {f"{name}_total" for name in families}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_rule_says_what_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description"}
    used = set(re.findall(r"aegis_sink_\w+", rule["expr"]))
    assert used
    assert used <= exported()


def test_what_must_wake_somebody_is_there() -> None:
    used = " ".join(rule["expr"] for rule in rules())
    names = "quarantine_unresolved", "lag_leaves", "connector_running", "restarts_total", "up"
    for name in names:
        assert f"aegis_sink_{name}" in used
