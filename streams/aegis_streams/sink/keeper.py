"""Keeping the sink going: what ``aegis sink run`` does until it is told to stop.

Each round, none of which ends it whatever fails:

1. connectors: apply the configuration where it is missing or differs; start again what has failed
2. Kafka: find the end of each log
3. database: count rows and what was refused, drop old checkpoints, make partitions ahead
4. compare the two
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

import psycopg

from aegis_codecs.errors import RegistryUnreachableError
from aegis_governance.errors import AegisError
from aegis_streams.names import AUDIT
from aegis_streams.sink.connectors import apply_connectors
from aegis_streams.sink.database import connected
from aegis_streams.sink.errors import ConnectorError
from aegis_streams.sink.positions import KafkaEnds, database_positions

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from aegis_streams.metrics import Health
    from aegis_streams.metrics.sink import SinkMetrics
    from aegis_streams.settings import Settings
    from aegis_streams.sink.positions import Position
    from aegis_streams.sink.rest import ConnectRest, Status

ROUND_SECONDS: Final = 1.0
"""Between two looks at the connectors."""
MEASURE_SECONDS: Final = 5.0
"""Between two looks at database and Kafka."""
FIRST_WAIT: Final = 2.0
LONGEST_WAIT: Final = 30.0
"""A connector that keeps failing is started again after waits that double up to this, seconds."""
PARTITIONS_WAIT: Final = 60.0
"""After somebody held a lock that a new partition needs, seconds: who waits for it stops others."""
_FAILED: Final = "FAILED"
_COUNTS: Final = """
select 'audit_records', reason, count(*), count(*) filter (where stored is not true)
from aegis.audit_refusals group by reason
union all
select 'checkpoints', reason, count(*), count(*) from aegis.checkpoint_quarantine group by reason
"""
_ROOM: Final = """
select (select count(*) from aegis.audit_partitions where lower >= coalesce(
          (select max(next_sequence) from aegis.audit_heads), 0)),
       (select count(*) from aegis.audit_records_rest)
"""

_log: Final = logging.getLogger("aegis.sink")


class Keeper:
    """Looks after connectors, partitions and metrics.

    Args:
        settings: The deployment.
        rest: Kafka Connect.
        wanted: Configuration of each connector.
        metrics: What to keep up to date.
        health: Told whether all connectors run, and of every round.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        rest: ConnectRest,
        wanted: Mapping[str, Mapping[str, str]],
        *,
        metrics: SinkMetrics,
        health: Health,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._rest = rest
        self._wanted = wanted
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._reader: KafkaEnds | None = None
        self._ends: list[Position] = []
        self._waits: dict[str, tuple[float, float]] = {}
        self._measured = -MEASURE_SECONDS
        self._stored: Mapping[tuple[str, str], int] | None = None
        self._partitions_due = 0.0
        self._told: dict[str, str] = {}
        self._applied = False

    def run(self, stop: threading.Event) -> None:
        """Do rounds until `stop` is set."""
        while not stop.is_set():
            self.round()
            stop.wait(ROUND_SECONDS)

    def round(self) -> None:
        """Do one round."""
        # Step 1
        self._guarded("connect", self._connectors)
        if self._clock() - self._measured >= MEASURE_SECONDS:
            self._measured = self._clock()
            # Step 2
            self._guarded("kafka", self._kafka)
            # Step 3
            self._guarded("database", self._database)
            # Step 4
            self._lag()
        self._health.beat()

    def _guarded(self, server: str, step: Callable[[], None]) -> None:
        """Take a step; a failure is told once, and made visible in the metrics."""
        try:
            step()
        except ConnectorError:
            raise  # the configuration is wrong: no later round will do better
        except (AegisError, psycopg.Error) as error:
            self._metrics.up.labels(server).set(0)
            self._tell(f"{server} does not answer", str(error))
            if server == "connect":
                self._health.became(ready=False, detail=str(error))
        else:
            self._metrics.up.labels(server).set(1)
            self._tell(f"{server} does not answer", "")

    def _tell(self, what: str, fault: str) -> None:
        """Log something that is amiss when it begins and, called without a fault, when it ends."""
        if fault and self._told.get(what, "") == "":
            _log.warning(what, extra={"fault": fault})
        elif self._told.get(what) and not fault:
            _log.info("no longer: %s", what)
        self._told[what] = fault

    def _connectors(self) -> None:
        states = [self._rest.status(name) for name in self._wanted]
        if not self._applied or any(status.state == "MISSING" for status in states):
            applied = apply_connectors(self._rest, self._wanted)
            self._applied = True
            if applied.changed:
                _log.info("connectors applied", extra={"connectors": applied.changed})
                states = [self._rest.status(name) for name in self._wanted]
        for status in states:
            self._watch(status)
        waiting = [status.name for status in states if not status.running]
        detail = f"not running: {', '.join(waiting)}"
        self._health.became(ready=not waiting, detail=detail if waiting else "")

    def _watch(self, status: Status) -> None:
        self._metrics.connector.labels(status.name).set(status.running)
        for state in ("RUNNING", "FAILED", "UNASSIGNED", "PAUSED"):
            number = list(status.tasks.values()).count(state)
            self._metrics.tasks.labels(status.name, state).set(number)
        if _FAILED in (status.state, *status.tasks.values()):
            self._restart(status)
        elif status.running:
            self._forgive(status.name)

    def _restart(self, status: Status) -> None:
        """Start again what has failed, after a wait that doubles with each time."""
        due, wait = self._waits.get(status.name, (0.0, FIRST_WAIT))
        if self._clock() < due:
            return
        self._waits[status.name] = (self._clock() + wait, min(LONGEST_WAIT, wait * 2))
        self._metrics.restarts.labels(status.name).inc()
        _log.warning("connector restarted", extra={"connector": status.name, "why": status.trace})
        self._rest.restart_failed(status.name)

    def _forgive(self, name: str) -> None:
        """Begin with short waits again once the last restart lies long enough behind."""
        due, wait = self._waits.get(name, (0.0, FIRST_WAIT))
        if self._clock() > due + wait:
            self._waits.pop(name, None)

    def _kafka(self) -> None:
        if self._reader is None:
            self._reader = KafkaEnds(self._settings)
        fault = ""
        try:
            self._ends = self._reader.read()
        except RegistryUnreachableError as error:
            fault = str(error)
        self._tell("the lag is not known", fault)
        faults = [f"{place}: {why}" for place, why in self._reader.unreadable.items()]
        self._tell("a topic ends with what cannot be read", "; ".join(faults[:3]))

    def _database(self) -> None:
        metrics = self._metrics
        with connected(self._settings.database_keeper_url) as connection:
            connection.execute("select aegis.settle_quarantine()")
            self._stored = {each[:2]: each.size for each in database_positions(connection)}
            for (topic, log), size in self._stored.items():
                if topic == AUDIT:
                    metrics.rows.labels(log).set(size)
            for table, reason, number, unresolved in connection.execute(_COUNTS):
                metrics.quarantined.labels(table, reason).set(number)
                metrics.unresolved.labels(table, reason).set(unresolved)
            for ahead, rest in connection.execute(_ROOM):
                metrics.partitions.set(ahead)
                metrics.unpartitioned.set(rest)
            connection.execute("select aegis.prune_checkpoints()")
            self._make_partitions(connection)

    def _make_partitions(self, connection: psycopg.Connection) -> None:
        """Make partitions ahead; whoever reads for long (an auditor, fsck) may delay it."""
        if self._clock() < self._partitions_due:
            return
        fault = ""
        try:
            connection.execute("select aegis.audit_make_partitions()")
        except psycopg.errors.LockNotAvailable as error:
            self._partitions_due = self._clock() + PARTITIONS_WAIT
            fault = str(error)
        self._tell("a new partition waits for a lock", fault)

    def _lag(self) -> None:
        """Compare what was last known of both sides; one that is away stands still meanwhile."""
        if self._stored is None:
            return
        for topic, log, size in self._ends:
            behind = max(0, size - self._stored.get((topic, log), 0))
            self._metrics.lag.labels(topic, log).set(behind)
