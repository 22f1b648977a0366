"""The logs of a deployment as they lie on its topics: leaves and checkpoints, decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import DecodeError
from aegis_streams.client.codecs import audit_decoder, checkpoint_decoder
from aegis_streams.client.errors import BrokenLogError
from aegis_streams.client.kafka import open_consumer, require_kafka
from aegis_streams.kafka.scan import scan, watermarks
from aegis_streams.names import AUDIT, CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.settings import Settings


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
        """Yield the entries of a partition, all of them.

        Raises:
            BrokenLogError: A record is no leaf; only the decider writes there.
        """
        for record in scan(self._bootstrap, AUDIT, partition, 0):
            try:
                yield self._entry(record.value or b"")
            except DecodeError as error:
                raise BrokenLogError(
                    f"{AUDIT}[{partition}] offset {record.offset}: no leaf ({error.detail}); "
                    "somebody else wrote it; run `aegis fsck`"
                ) from error

    def notes(self, partition: int, last: int) -> Iterator[bytes]:
        """Yield the notes among the last offsets of the checkpoints topic, none of them verified.

        Args:
            partition: Partition of the topic.
            last: How many offsets.

        Yields:
            Each record's note; nothing (no bytes) for a record that is no checkpoint.
        """
        low, end = watermarks(self._bootstrap, CHECKPOINTS, partition)
        for record in scan(self._bootstrap, CHECKPOINTS, partition, max(low, end - last)):
            try:
                yield self._checkpoint(record.value or b"").note
            except DecodeError:
                yield b""
