"""Starting a worker and ending it: exit code 0 after a drain, anything else is a fault."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Literal

from aegis_streams.decide import app as decide_app
from aegis_streams.metrics import Endpoint, Health, Metrics
from aegis_streams.runtime import logs
from aegis_streams.runtime.heaps import share_heaps
from aegis_streams.runtime.observer import WorkerObserver
from aegis_streams.runtime.parts import WorkerParts
from aegis_streams.seal import app as seal_app
from aegis_streams.topics.ensure import check_topics
from aegis_streams.transport import run_worker

if TYPE_CHECKING:
    from aegis_streams.settings import Settings

Role = Literal["decide", "seal"]

BUILDERS: Final = {"decide": decide_app.build, "seal": seal_app.build}
LIVENESS_SECONDS: Final = 90.0
"""Liveness says no when the poll loop does not come round for so long; the watchdog is quicker."""


def run(role: Role, settings: Settings, slot: int) -> int:
    """Run a worker until it is told to stop or a fault stops it.

    Returns:
        0 after SIGTERM or SIGINT and a drain; non-zero after a fault.

    Raises:
        StreamError: The topics are unfit, or Kafka, registry or keys are not to be had.
    """
    share_heaps()
    logs.configure(settings.log_level)
    log = logging.getLogger(f"aegis.{role}")
    check_topics(settings)
    metrics, health = Metrics(role), Health(LIVENESS_SECONDS)
    parts = WorkerParts(metrics, health, WorkerObserver(metrics, health, log), log)
    app = BUILDERS[role](settings, parts, slot)
    port = settings.decide_metrics_port if role == "decide" else settings.seal_metrics_port
    endpoint = Endpoint(settings.listen_host, port, metrics.registry, health)
    endpoint.start()
    log.info("worker starts", extra={"role": role, "slot": slot, "metrics_port": endpoint.port})
    try:
        return run_worker(app)
    finally:
        endpoint.stop()
