"""The way to the database during a run: servers, the connectors' keeper, and what arrives when."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import psycopg

from aegis_streams.metrics.endpoint import Health
from aegis_streams.metrics.sink import SinkMetrics
from aegis_streams.sink.access import ADMIN, AUDITOR, KEEPER, database_url
from aegis_streams.sink.connectors import addresses_of, load_connectors
from aegis_streams.sink.database import connected
from aegis_streams.sink.errors import DatabaseUnreachableError
from aegis_streams.sink.keeper import Keeper
from aegis_streams.sink.prepare import prepare_database
from aegis_streams.sink.rest import ConnectRest
from aegis_streams.stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aegis_streams.settings import Settings
    from aegis_streams.stack.component import Place
    from chaos.arrivals import Arrivals

ROWS: Final = "rows"
"""Name of what arrives in the database, beside the names of topics."""
_POLL_SECONDS: Final = 0.25
_HEALTHY_SECONDS: Final = 60.0


def prepare(place: Place) -> dict[str, object]:
    """Prepare the database of a stack; return the settings by which a deployment finds its sink."""
    port, secrets = place.ports.postgres, place.layout.secrets
    prepare_database(database_url(secrets, ADMIN, port), secrets)
    return {
        "secrets_dir": secrets,
        "database_url": database_url(secrets, AUDITOR, port),
        "database_keeper_url": database_url(secrets, KEEPER, port),
        "connect_url": f"http://{HOST}:{place.ports.connect}",
    }


class SinkWatcher:
    """Keeps the connectors running and notes rows as they become visible.

    Args:
        settings: The deployment.
        arrivals: Where rows are noted.
        clock: Seconds since the run began.
    """

    def __init__(self, settings: Settings, arrivals: Arrivals, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._arrivals = arrivals
        self._clock = clock
        self._heads: dict[str, int] = {}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep, name="chaos-keeper", daemon=True),
            threading.Thread(target=self._watch, name="chaos-rows", daemon=True),
        ]

    @property
    def rows(self) -> int:
        """Rows that the guard has let in, over all logs."""
        return sum(self._heads.values())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep and watch for the length of a block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(_HEALTHY_SECONDS)

    def _keep(self) -> None:
        settings = self._settings
        keeper = Keeper(
            settings,
            ConnectRest(settings.connect_url),
            load_connectors(addresses_of(settings)),
            metrics=SinkMetrics(),
            health=Health(_HEALTHY_SECONDS),
        )
        keeper.run(self._stop)

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            with suppress(DatabaseUnreachableError, psycopg.Error):
                self._follow()

    def _follow(self) -> None:
        with connected(self._settings.database_url) as auditor:
            while not self._stop.wait(_POLL_SECONDS):
                for log, number in auditor.execute(
                    "select log, next_sequence from aegis.audit_heads"
                ).fetchall():
                    if number > self._heads.get(log, 0):
                        self._heads[log] = number
                        partition = int(log.rpartition("/")[2])
                        self._arrivals.note(ROWS, partition, self._clock())
