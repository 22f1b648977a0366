"""Rebuild a table's slice from its changelog."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from aegis_streams.transport.errors import RestoreError
from aegis_streams.transport.outcome import END_OF_PARTITION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from confluent_kafka import Message

    from aegis_streams.transport.clients import Reader

_CHUNK: Final = 10_000
_POLL: Final = 0.1


class RestoreCancelledError(Exception):
    """The partition was taken away during the restore; never leaves the driver."""


class Restorer:
    """Reads changelog partitions, read-committed, up to end offsets taken before.

    The end offsets must be *uncommitted* ones, and what counts as reaching them is the position
    reported at the end of a partition, which moves past control records too. A committed end
    offset would not do: the marker of the last transaction can become visible in the offsets
    topic before it does in the changelog, and that transaction would be missed.
    """

    def __init__(
        self, reader: Reader, *, timeout: float, stall_timeout: float, cancelled: Callable[[], bool]
    ) -> None:
        self._reader = reader
        self._timeout = timeout
        self._stall_timeout = stall_timeout
        self._cancelled = cancelled
        self.records = 0

    def run(self, partition: int, ends: Mapping[str, int]) -> dict[str, dict[bytes, bytes]]:
        """Return the content of each changelog topic in one partition.

        Args:
            partition: The partition to read in every topic.
            ends: End offset (read uncommitted) per changelog topic.

        Raises:
            RestoreError: It took too long, made no progress, or the broker refused.
            RestoreCancelledError: `cancelled` became true.
        """
        content: dict[str, dict[bytes, bytes]] = {topic: {} for topic in ends}
        pending = {topic for topic, end in ends.items() if end > 0}
        self._reader.assign(
            [TopicPartition(topic, partition, OFFSET_BEGINNING) for topic in sorted(pending)]
        )
        deadline = time.monotonic() + self._timeout
        moved = time.monotonic()
        while pending:
            messages = self._read()
            now = time.monotonic()
            moved = now if messages else moved
            if now > deadline or now - moved > self._stall_timeout:
                raise RestoreError(self._late(partition, pending))
            pending -= self._apply(messages, content, ends)
        self._reader.assign([])
        return content

    def _read(self) -> list[Message]:
        if self._cancelled():
            raise RestoreCancelledError
        first = self._reader.poll(_POLL)
        return [] if first is None else [first, *self._reader.consume(_CHUNK, 0)]

    def _apply(
        self,
        messages: list[Message],
        content: dict[str, dict[bytes, bytes]],
        ends: Mapping[str, int],
    ) -> set[str]:
        reached: set[str] = set()
        for message in messages:
            topic = message.topic() or ""
            error = message.error()
            if error is not None:
                if error.code() != END_OF_PARTITION:
                    raise RestoreError(f"{topic}: {error}; is it compacted only, never deleted?")
                if (message.offset() or 0) >= ends[topic]:
                    reached.add(topic)
                continue
            self.records += 1
            key, value = message.key() or b"", message.value()
            if value is None:
                content[topic].pop(key, None)
            else:
                content[topic][key] = value
        return reached

    def _late(self, partition: int, pending: set[str]) -> str:
        return (
            f"restore of partition {partition}: {sorted(pending)} not read to the end within "
            f"{self._timeout} s ({self._stall_timeout} s without progress); "
            f"{self.records} records so far"
        )
