"""What a worker tells Prometheus, and the endpoint that serves it with liveness and readiness."""

from __future__ import annotations

from aegis_streams.metrics.definitions import Metrics
from aegis_streams.metrics.endpoint import Endpoint, Health

__all__ = ["Endpoint", "Health", "Metrics"]
