"""Where each log ends on Kafka, and how far it is in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.client.codecs import audit_decoder
from aegis_streams.kafka.scan import tail
from aegis_streams.names import AUDIT

if TYPE_CHECKING:
    import psycopg

    from aegis_streams.settings import Settings

_WINDOWS: Final = (20, 2_000, 100_000)
"""How far back the last leaf is looked for, in offsets: markers and aborted batches lie between."""


class Position(NamedTuple):
    """The end of a log.

    Attributes:
        log: Origin.
        size: Number of its leaves.
    """

    log: str
    size: int


class KafkaEnds:
    """Reads the last committed leaf of each partition of the audit topic.

    Args:
        settings: The deployment.
    """

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.bootstrap
        self._partitions = range(settings.partitions)
        self._decode = audit_decoder(settings.registry_url)

    def read(self) -> list[Position]:
        """Return the end of the log that each partition now continues.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        found = [self._end(partition) for partition in self._partitions]
        return [position for position in found if position is not None]

    def _end(self, partition: int) -> Position | None:
        for window in _WINDOWS:
            records = tail(self._bootstrap, AUDIT, partition, window, isolation="read_committed")
            if records:
                entry = self._decode(records[-1].value or b"")
                return Position(entry.log, entry.sequence + 1)
        return None


def database_positions(connection: psycopg.Connection) -> list[Position]:
    """Return where each log continues in the database."""
    rows = connection.execute("select log, next_sequence from aegis.audit_heads order by log")
    return [Position(str(log), int(size)) for log, size in rows]
