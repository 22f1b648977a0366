"""What both workers are made of besides their work: metrics, health, logs, transport settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aegis_streams.transport import FaultPlan, TransportSettings

if TYPE_CHECKING:
    import logging

    from aegis_streams.metrics import Health, Metrics
    from aegis_streams.runtime.observer import WorkerObserver
    from aegis_streams.settings import Settings


@dataclass(frozen=True)
class WorkerParts:
    """Given to an app when it is built.

    Attributes:
        metrics: Everything the worker counts.
        health: What liveness and readiness answer with.
        observer: Takes what the transport reports.
        log: The worker's logger.
    """

    metrics: Metrics
    health: Health
    observer: WorkerObserver
    log: logging.Logger


def transport_settings(
    settings: Settings, group: str, slot: int, siblings: tuple[str, ...] = ()
) -> TransportSettings:
    """Return the driver's settings for one worker of a group."""
    return TransportSettings(
        bootstrap=settings.bootstrap,
        group=group,
        siblings=siblings,
        slot=slot,
        faults=FaultPlan.parse(settings.test_faults),
    )
