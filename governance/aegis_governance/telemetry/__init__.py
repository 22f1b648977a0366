"""Telemetry: events, where they go, and metrics."""

from __future__ import annotations

from aegis_governance.telemetry.emitter import Event, MemorySink, Sink, TelemetryEmitter
from aegis_governance.telemetry.http import BatchHTTPSink, HTTPEventSink, http_sink
from aegis_governance.telemetry.metrics import CORE_METRICS, PROCESS_METRICS, MetricRegistry

__all__ = [
    "CORE_METRICS",
    "PROCESS_METRICS",
    "BatchHTTPSink",
    "Event",
    "HTTPEventSink",
    "MemorySink",
    "MetricRegistry",
    "Sink",
    "TelemetryEmitter",
    "http_sink",
]
