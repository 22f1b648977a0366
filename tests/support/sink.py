"""The whole way of a leaf to the database: Kafka, registry, PostgreSQL and Connect of its own."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from aegis_streams.metrics.endpoint import Health
from aegis_streams.metrics.sink import SinkMetrics
from aegis_streams.settings import ENVIRONMENT
from aegis_streams.sink.access import ADMIN, AUDITOR, KEEPER, database_url
from aegis_streams.sink.connectors import addresses_of, load_connectors
from aegis_streams.sink.database import connected
from aegis_streams.sink.keeper import Keeper
from aegis_streams.sink.prepare import prepare_database
from aegis_streams.sink.rest import ConnectRest
from aegis_streams.stack.components.connect import Connect
from aegis_streams.stack.components.kafka import Kafka
from aegis_streams.stack.components.registry import Registry
from aegis_streams.stack.jars import ensure_jars
from aegis_streams.stack.local import LocalStack
from aegis_streams.stack.ports import Ports
from aegis_streams.stack.processes import wait_until
from aegis_streams.stack.progress import Narrator
from support.database import HastyPostgres
from support.deployment import Deployment
from support.stack import LocalEngine, RunningStack, stack_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

SETTLE_SECONDS: Final = 120.0


class SinkStack:
    """A deployment with its sink, all servers children of the tests.

    Attributes:
        servers: "kafka", "registry", "postgres" and "connect".
        deployment: Topics, genesis, keys.
        metrics: What the keeper exports.
        health: Whether the keeper is content.
    """

    def __init__(self, servers: LocalEngine, **settings: object) -> None:
        self.servers = servers
        place = servers.place
        port, secrets = place.ports.postgres, place.layout.secrets
        self.admin_url = database_url(secrets, ADMIN, port)
        prepare_database(self.admin_url, secrets)
        self.deployment = Deployment(
            RunningStack(servers),
            place.layout.home / "deployment",
            secrets_dir=secrets,
            database_url=database_url(secrets, AUDITOR, port),
            database_keeper_url=database_url(secrets, KEEPER, port),
            connect_url=f"http://127.0.0.1:{place.ports.connect}",
            **settings,
        )
        self.deployment.open()
        self.rest = ConnectRest(self.deployment.settings.connect_url)
        self.metrics, self.health = SinkMetrics(), Health(60)

    def keeper(self, clock: Callable[[], float] = time.monotonic) -> Keeper:
        """Return a new keeper of this sink."""
        settings = self.deployment.settings
        wanted = load_connectors(addresses_of(settings))
        parts: dict[str, Any] = {"metrics": self.metrics, "health": self.health, "clock": clock}
        return Keeper(settings, self.rest, wanted, **parts)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Run a keeper for the length of a block, until it is content at first."""
        stop = threading.Event()
        thread = threading.Thread(target=self.keeper().run, args=(stop,), name="keeper")
        thread.start()
        try:
            assert wait_until(lambda: self.health.ready, SETTLE_SECONDS), self.health.detail
            yield
        finally:
            stop.set()
            thread.join(60)

    @contextmanager
    def auditor(self) -> Iterator[psycopg.Connection]:
        """Connect as an auditor does."""
        with connected(self.deployment.settings.database_url) as connection:
            yield connection

    def rows(self) -> dict[tuple[str, int], tuple[bytes, bytes]]:
        """Body and entry hash of every row."""
        with self.auditor() as auditor:
            found = auditor.execute(
                "select log, sequence, body, entry_hash from aegis.audit_records"
            ).fetchall()
        rows = {(log, sequence): (body, entry) for log, sequence, body, entry in found}
        assert len(rows) == len(found)
        return rows

    def leaves(self) -> dict[tuple[str, int], tuple[bytes, bytes]]:
        """The same of every committed leaf on Kafka."""
        found = self.deployment.leaves()
        leaves = {(e.log, e.sequence): (e.body, e.entry_hash) for e in found}
        assert len(leaves) == len(found)
        return leaves

    def await_rows(self, count: int) -> None:
        """Wait until so many rows are stored."""

        def stored() -> bool:
            with self.auditor() as auditor:
                row = auditor.execute(
                    "select coalesce(sum(next_sequence), 0) from aegis.audit_heads"
                )
                return int(row.fetchall()[0][0]) >= count

        assert wait_until(stored, SETTLE_SECONDS), f"{len(self.rows())} of {count} rows"

    def refused(self) -> list[tuple[object, ...]]:
        """Everything in quarantine."""
        with self.auditor() as auditor:
            return auditor.execute(
                "select log, sequence, reason from aegis.audit_quarantine "
                "union all select log, size, reason from aegis.checkpoint_quarantine"
            ).fetchall()

    def environment(self) -> dict[str, str]:
        """Return the environment of a command on this deployment."""
        return dict(self.deployment.environment)


@contextmanager
def running_sink(**settings: object) -> Iterator[SinkStack]:
    """Bring up everything on free ports and take it down afterwards, whatever happens."""
    logging.getLogger("aegis.sink").setLevel(logging.WARNING)
    home = stack_directory("sink")
    assert set(settings) <= set(ENVIRONMENT)
    try:
        with Narrator() as narrator:
            jars = ensure_jars(narrator.detail)
        with ExitStack() as opened:
            kinds = (Kafka, Registry, HastyPostgres)
            ports = Ports.free()
            servers = opened.enter_context(LocalEngine(home, ports, jars, kinds))
            connect = LocalStack(home, ports, jars, (Connect,))
            servers._children |= connect._children
            opened.enter_context(connect)
            yield SinkStack(servers, **settings)
    finally:
        shutil.rmtree(home, ignore_errors=True)
