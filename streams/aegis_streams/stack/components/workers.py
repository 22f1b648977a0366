"""The two workers: the decider and the sealer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aegis_streams.stack.components.aegis import AegisCommand, aegis
from aegis_streams.stack.probes import http_get

if TYPE_CHECKING:
    from collections.abc import Sequence


class Worker(AegisCommand):
    """A stream worker; ready when it works on all partitions that it was given.

    Attributes:
        stage: Argument of ``aegis worker``.
    """

    needs: ClassVar[tuple[str, ...]] = ("topics",)
    ready_seconds: ClassVar[float] = 600.0  # it may have to restore; its own watchdog is quicker
    stage: ClassVar[str]

    def command(self) -> Sequence[str]:
        """Return the verb."""
        return aegis("worker", self.stage, "--slot", "0")

    def ready(self) -> bool:
        """Whether its readiness endpoint says so."""
        return self._get("/readyz") is not None

    def metrics(self) -> str | None:
        """Return what its metrics endpoint says."""
        return self._get("/metrics")

    def _get(self, path: str) -> str | None:
        return http_get(getattr(self.place.ports, self.ports[0]), path)


class Decider(Worker):
    """Turns proposals into committed leaves."""

    name: ClassVar[str] = "decider"
    stage: ClassVar[str] = "decide"
    ports: ClassVar[tuple[str, ...]] = ("decide_metrics",)


class Sealer(Worker):
    """Signs committed leaves and publishes decisions."""

    name: ClassVar[str] = "sealer"
    stage: ClassVar[str] = "seal"
    ports: ClassVar[tuple[str, ...]] = ("seal_metrics",)
