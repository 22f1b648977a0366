"""Where each log ends on Kafka, and how far it is in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.errors import DecodeError
from aegis_streams.client.codecs import audit_decoder, checkpoint_decoder
from aegis_streams.kafka.scan import tail
from aegis_streams.names import AUDIT, CHECKPOINTS

if TYPE_CHECKING:
    import psycopg

    from aegis_streams.settings import Settings

_WINDOWS: Final = (20, 2_000, 100_000)
"""How far back the last record is looked for, in offsets: markers and aborted batches follow it."""
_STORED: Final = """
with recursive checkpointed as (
  select min(log) as log from aegis.checkpoints
  union all
  select (select min(c.log) from aegis.checkpoints c where c.log > p.log)
  from checkpointed p where p.log is not null
)
select %s, log, next_sequence from aegis.audit_heads
union all
select %s, p.log, (select max(c.size) from aegis.checkpoints c where c.log = p.log)
from checkpointed p where p.log is not null
"""


class Position(NamedTuple):
    """How far a log has come.

    Attributes:
        topic: On the topic of leaves, or of checkpoints, or in the table of each.
        log: Origin.
        size: Number of its leaves; of those under the largest checkpoint.
    """

    topic: str
    log: str
    size: int


class KafkaEnds:
    """Reads the last committed record of each partition of the topics that go to the database.

    Args:
        settings: The deployment.

    Attributes:
        unreadable: Records that lay behind the last readable one when it was looked for, and why
            each cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.bootstrap
        self._partitions = range(settings.partitions)
        self._leaf = audit_decoder(settings.registry_url)
        self._checkpoint = checkpoint_decoder(settings.registry_url)
        self.unreadable: dict[str, str] = {}

    def read(self) -> list[Position]:
        """Return the end of the log that each partition now continues, by topic.

        Raises:
            UnavailableError: Kafka does not answer.
            RegistryUnreachableError: The registry is needed and does not answer.
        """
        self.unreadable = {}
        places = [(topic, each) for topic in (AUDIT, CHECKPOINTS) for each in self._partitions]
        found = [self._end(*place) for place in places]
        return [position for position in found if position is not None]

    def _end(self, topic: str, partition: int) -> Position | None:
        for window in _WINDOWS:
            records = tail(self._bootstrap, topic, partition, window, isolation="read_committed")
            for record in reversed(records):
                try:
                    return self._position(topic, record.value or b"")
                except DecodeError as error:
                    self.unreadable[f"{topic}[{partition}] offset {record.offset}"] = str(error)
        return None

    def _position(self, topic: str, value: bytes) -> Position:
        if topic == AUDIT:
            entry = self._leaf(value)
            return Position(topic, entry.log, entry.sequence + 1)
        checkpoint = self._checkpoint(value)
        return Position(topic, checkpoint.log, checkpoint.size)


def database_positions(connection: psycopg.Connection) -> list[Position]:
    """Return where each log continues in the database, and the size of its largest checkpoint."""
    rows = connection.execute(_STORED, [AUDIT, CHECKPOINTS])
    return [Position(str(topic), str(log), int(size)) for topic, log, size in rows]
