"""The core's metrics against the reader of the format's own project."""

from __future__ import annotations

import threading
from http.client import HTTPConnection

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aegis_governance import PCWContext, pcw_decide
from aegis_governance.telemetry import CORE_METRICS, PROCESS_METRICS, MetricRegistry
from aegis_governance.telemetry.metrics_server import MetricsServer


def parsed(text: str) -> dict[str, dict[tuple[str, tuple[str, ...]], float]]:
    return {
        family.name: {
            (sample.name, tuple(sample.labels.values())): sample.value for sample in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


def test_every_documented_metric_is_there() -> None:
    names = {spec.name for spec in CORE_METRICS}
    assert names == {
        "aegis_decisions_total",
        "aegis_gates_evaluated_total",
        "aegis_latency_seconds",
        "aegis_decision_latency_seconds",
        "aegis_proposals_total",
        "aegis_active_proposals",
        "aegis_kl_divergence",
        "aegis_override_requests_total",
        "aegis_errors_total",
    }
    families = parsed(MetricRegistry().render())
    assert set(families) == {name.removesuffix("_total") for name in names}
    assert families["aegis_decisions"][("aegis_decisions_total", ("halt",))] == 0.0


def test_values_read_back() -> None:
    registry = MetricRegistry()
    registry.add("aegis_errors_total", 'a "quoted"\\\nname')
    registry.add("aegis_errors_total", 'a "quoted"\\\nname', amount=2.0)
    registry.set("aegis_kl_divergence", 0.25, "risk")
    for seconds in (0.004, 0.005, 0.3, 99.0):
        registry.observe("aegis_latency_seconds", seconds, "evaluate")
    families = parsed(registry.render())
    assert families["aegis_errors"][("aegis_errors_total", ('a "quoted"\\\nname',))] == 3.0
    assert families["aegis_kl_divergence"][("aegis_kl_divergence", ("risk",))] == 0.25
    latency = families["aegis_latency_seconds"]
    buckets = {labels[1]: value for (name, labels), value in latency.items() if "bucket" in name}
    assert (buckets["0.005"], buckets["0.25"], buckets["0.5"]) == (2.0, 2.0, 3.0)
    assert (buckets["10"], buckets["+Inf"]) == (3.0, 4.0)
    assert latency[("aegis_latency_seconds_count", ("evaluate",))] == 4.0
    assert latency[("aegis_latency_seconds_sum", ("evaluate",))] == 99.309


def count(metric: str, *labels: str) -> float:
    found = [
        sample.value
        for sample in PROCESS_METRICS.samples()
        if sample.name == metric and tuple(sample.labels.values()) == labels
    ]
    return sum(found)


def test_decisions_are_counted() -> None:
    before = count("aegis_decisions_total", "halt"), count("aegis_proposals_total", "refused")
    latencies = count("aegis_decision_latency_seconds_count")
    pcw_decide(PCWContext("x"))
    pcw_decide(PCWContext(""))
    assert count("aegis_decisions_total", "halt") == before[0] + 2
    assert count("aegis_proposals_total", "refused") == before[1] + 1
    assert count("aegis_gates_evaluated_total", "novelty", "failed") >= 1
    assert count("aegis_active_proposals") == 0
    assert count("aegis_decision_latency_seconds_count") == latencies + 2


def test_threads_do_not_lose_counts() -> None:
    registry = MetricRegistry()

    def add() -> None:
        for _ in range(2000):
            registry.add("aegis_active_proposals")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "aegis_active_proposals 8000\n" in registry.render()


def get(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


class TestServer:
    def test_it_serves_the_metrics_until_it_is_stopped(self) -> None:
        registry = MetricRegistry()
        server = MetricsServer(port=0, registry=registry)
        server.start()
        server.start()
        registry.add("aegis_errors_total", "test")
        status, body = get(server.port, "/metrics")
        assert (status, body) == (200, registry.render())
        assert get(server.port, "/other")[0] == 404
        server.stop()
        server.stop()
        with pytest.raises(ConnectionError):
            get(server.port, "/metrics")

    def test_a_busy_port_is_an_error(self) -> None:
        first = MetricsServer(port=0)
        first.start()
        with pytest.raises(OSError, match="in use"):
            MetricsServer(port=first.port).start()
        first.stop()
