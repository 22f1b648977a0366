"""The keeper of the audit sink: connectors, partitions, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aegis_streams.settings import ENVIRONMENT
from aegis_streams.sink.access import KEEPER, database_url
from aegis_streams.stack.components.aegis import AegisCommand, aegis
from aegis_streams.stack.probes import http_get

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Sink(AegisCommand):
    """Runs ``aegis sink run``; ready when every connector and task runs."""

    name: ClassVar[str] = "sink"
    needs: ClassVar[tuple[str, ...]] = ("topics", "database", "connect")
    ports: ClassVar[tuple[str, ...]] = ("sink_metrics",)
    ready_seconds: ClassVar[float] = 90.0

    def command(self) -> Sequence[str]:
        """Return the verb."""
        return aegis("sink", "run")

    def environment(self) -> Mapping[str, str]:
        """Add the keeper's address of the database."""
        place = self.place
        url = database_url(place.layout.secrets, KEEPER, place.ports.postgres)
        return {**super().environment(), ENVIRONMENT["database_keeper_url"]: url}

    def ready(self) -> bool:
        """Whether its readiness endpoint says so."""
        return self._get("/readyz") is not None

    def metrics(self) -> str | None:
        """Return what its metrics endpoint says."""
        return self._get("/metrics")

    def _get(self, path: str) -> str | None:
        return http_get(self.place.ports.sink_metrics, path)
