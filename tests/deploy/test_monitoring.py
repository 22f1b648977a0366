from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from aegis_governance.telemetry.metrics import CORE_METRICS
from aegis_streams.metrics import Metrics
from aegis_streams.metrics.sink import SinkMetrics
from support.tools import promtool

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "monitoring" / "prometheus"
GRAFANA = ROOT / "monitoring" / "grafana"
RECORDED = {
    "aegis:gate_pass_rate_5m",
    "aegis:decision_rate_5m",
    "aegis:p99_latency_5m",
    "aegis:override_rate_1h",
    "aegis:error_rate_5m",
}
AT_ZERO = {"overrides"}
"""Names of the guide whose matter does not exist yet; they are exported at zero."""
ALERTS = {
    "AegisHighGateFailRate": "warning",
    "AegisHighLatency": "warning",
    "AegisOverrideSpike": "critical",
    "AegisDriftCritical": "critical",
    "AegisErrorRate": "warning",
}


def rules(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names_in(registry: CollectorRegistry) -> set[str]:
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in registry.collect()
    }


def known() -> set[str]:
    streams = names_in(Metrics("decide").registry) | names_in(SinkMetrics().registry)
    return streams | {spec.name for spec in CORE_METRICS}


def used_in(expression: str) -> set[str]:
    names = set(re.findall(r"\baegis[a-z0-9_:]+", re.sub(r'"[^"]*"', "", expression)))
    return {re.sub("_(bucket|sum|count)$", "", name) for name in names}


def test_promtool_accepts_configuration_and_rules() -> None:
    done = subprocess.run(
        [str(promtool()), "check", "config", str(PROMETHEUS / "prometheus.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout


def test_promtool_finds_that_the_alerts_fire(tmp_path: Path) -> None:
    """Series in, alerts out: each rule is tried with Prometheus's own test runner."""
    cases = tmp_path / "cases.yaml"
    text = (ROOT / "tests" / "deploy" / "alert-cases.yaml").read_text(encoding="utf-8")
    cases.write_text(text.replace("@RULES@", str(PROMETHEUS)), encoding="utf-8")
    done = subprocess.run(
        [str(promtool()), "test", "rules", str(cases)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guides_rules_are_there() -> None:
    assert {rule["record"] for rule in rules("recording-rules.yaml")} >= RECORDED
    alerts = {rule["alert"]: rule["labels"]["severity"] for rule in rules("alerting-rules.yaml")}
    assert alerts.items() >= ALERTS.items()


def test_rules_use_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in rules("recording-rules.yaml")}
    for name in ("recording-rules.yaml", "alerting-rules.yaml"):
        for rule in rules(name):
            assert used_in(rule["expr"]) <= known() | recorded, rule


def test_every_alert_says_what_to_do() -> None:
    for rule in rules("alerting-rules.yaml"):
        assert {"summary", "description"} <= set(rule["annotations"]), rule["alert"]


@pytest.mark.parametrize("path", sorted(GRAFANA.glob("*-dashboard.json")), ids=lambda p: p.name)
def test_a_dashboard_shows_what_exists(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    recorded = {rule["record"] for rule in rules("recording-rules.yaml")}
    source = yaml.safe_load(
        (GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text(encoding="utf-8")
    )["datasources"][0]["uid"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["title"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == source
            assert used_in(target["expr"]) <= known() | recorded, panel["title"]


def test_panels_do_not_overlap() -> None:
    board = json.loads((GRAFANA / "overview-dashboard.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_scrape_targets_are_services_of_the_stack() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    names = set(compose["services"]) | {"aegis"}
    config = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8"))
    for job in config["scrape_configs"]:
        for target in (each for group in job["static_configs"] for each in group["targets"]):
            assert target.split(":")[0] in names | {"127.0.0.1"}


def test_what_does_not_exist_yet_is_exported_at_zero() -> None:
    value = Metrics("decide").registry.get_sample_value(
        "aegis_override_requests_total", {"outcome": "granted"}
    )
    assert value == 0.0


def test_every_metric_is_filled_by_somebody() -> None:
    """A name that is declared and never set would make its rule silent for ever."""
    package = ROOT / "streams" / "aegis_streams"
    declared = set(vars(Metrics("decide"))) - {"registry", "worker", *AT_ZERO}
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in package.rglob("*.py")
        if path.parent.name != "metrics"
    )
    assert {name for name in declared if f"metrics.{name}." not in text} == set()
