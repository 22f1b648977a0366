"""Metrics of the audit sink, exported by its keeper."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


class SinkMetrics:
    """The metrics of one keeper in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.lag = self._gauge(
            "aegis_sink_lag_leaves",
            "Leaves on a topic, or under its last checkpoint, for which the database has none yet",
            "topic",
            "log",
        )
        self.rows = self._gauge("aegis_sink_rows", "Leaves of a log in the database", "log")
        self.quarantined = self._gauge(
            "aegis_sink_quarantine_rows", "Records the guard refused", "table", "reason"
        )
        self.unresolved = self._gauge(
            "aegis_sink_quarantine_unresolved",
            "Those of them that are not stored by now as they are",
            "table",
            "reason",
        )
        self.connector = self._gauge(
            "aegis_sink_connector_running", "1 while a connector and all its tasks run", "connector"
        )
        self.tasks = self._gauge(
            "aegis_sink_tasks", "Tasks of a connector, by state", "connector", "state"
        )
        self.restarts = Counter(
            "aegis_sink_restarts_total", "Restarts of failed connectors or tasks", ["connector"],
            registry=self.registry,
        )  # fmt: skip
        self.up = self._gauge("aegis_sink_up", "1 while a server of the sink answers", "server")
        self.partitions = self._gauge(
            "aegis_sink_partitions_ahead", "Empty partitions that stand ready"
        )
        self.unpartitioned = self._gauge(
            "aegis_sink_unpartitioned_rows", "Rows in the default partition"
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)
