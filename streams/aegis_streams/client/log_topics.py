"""The logs of a deployment as they lie on its topics: leaves and checkpoints, decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_streams.client.codecs import audit_decoder, checkpoint_decoder
from aegis_streams.client.kafka import open_consumer, require_kafka
from aegis_streams.kafka.scan import scan, tail
from aegis_streams.names import AUDIT, CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_codecs.records.audit import AuditEntry
    from aegis_codecs.records.envelopes import CheckpointRecord
    from aegis_streams.settings import Settings

CHECKPOINT_WINDOWS: Final = (100, 10_000, 10_000_000)
"""How far back the newest checkpoint is looked for, in offsets, one after another."""


class LogTopics:
    """Reads them, committed records only.

    Args:
        settings: The deployment.

    Attributes:
        partitions: Number of partitions of the audit topic.

    Raises:
        UnavailableError: Kafka does not answer, or the topic is not there.
    """

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.bootstrap
        consumer = open_consumer(settings.bootstrap)
        self.partitions: Final = require_kafka(consumer, settings.bootstrap, AUDIT)
        consumer.close()
        self._entry = audit_decoder(settings.registry_url)
        self._checkpoint = checkpoint_decoder(settings.registry_url)

    def entries(self, partition: int) -> Iterator[AuditEntry]:
        """Yield the entries of a partition, all of them."""
        for record in scan(self._bootstrap, AUDIT, partition, 0):
            yield self._entry(record.value or b"")

    def checkpoints(self, partition: int) -> Iterator[CheckpointRecord]:
        """Yield the checkpoints of a partition, in order."""
        for record in scan(self._bootstrap, CHECKPOINTS, partition, 0):
            yield self._checkpoint(record.value or b"")

    def last_checkpoints(self, partition: int) -> list[CheckpointRecord]:
        """Return the last checkpoints of a partition, in order, the newest included."""
        for window in CHECKPOINT_WINDOWS:
            found = tail(
                self._bootstrap, CHECKPOINTS, partition, window, isolation="read_committed"
            )
            if found:
                return [self._checkpoint(record.value or b"") for record in found]
        return []
