"""The parts of Faust's consumer and producer that have nothing to do under the driver."""

# ruff: noqa: ANN401, ARG002, ASYNC109  # the signatures are Faust's

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faust.transport.consumer import Consumer
from faust.transport.producer import Producer
from faust.types import TP

from aegis_streams.transport.errors import OutsideBatchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from faust.types import ConsumerMessage
    from faust.types.tuples import FutureMessage, RecordMetadata


class InertConsumer(Consumer):
    """A Faust consumer that neither fetches, seeks nor commits."""

    async def on_stop(self) -> None:
        """Nothing to do: the app drains before its services stop."""

    async def _drain_messages(self, fetcher: Any) -> None:
        await fetcher.wait_until_stopped()

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Return False: only the driver commits."""
        return False

    async def wait_empty(self) -> None:
        """Nothing to wait for: the driver settles each partition itself."""

    async def perform_seek(self) -> None:
        """Nothing to seek: the driver starts at the committed offsets."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Return nothing: the driver starts at the committed offsets."""
        return {}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Refuse: positions belong to the driver."""
        raise NotImplementedError("positions belong to the transport driver")

    async def position(self, tp: TP) -> int | None:
        """Return None: positions belong to the driver."""
        return None

    def highwater(self, tp: TP) -> int:
        """Return 0: lag is reported to the observer."""
        return 0

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return nothing: lag is reported to the observer."""
        return {}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return nothing: the driver reads changelogs itself."""
        return {}

    def topic_partitions(self, topic: str) -> int | None:
        """Return None: the driver has checked the counts."""
        return None

    def key_partition(
        self, topic: str, key: bytes | None, partition: int | None = None
    ) -> int | None:
        """Return the partition as given."""
        return partition

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Create nothing: topics are made at genesis."""

    def close(self) -> None:
        """Nothing to close: the driver owns the clients."""

    async def _seek(self, partition: TP, offset: int) -> None:
        raise NotImplementedError("positions belong to the transport driver")

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return False

    async def _getmany(
        self, active_partitions: set[TP] | None, timeout: float
    ) -> Mapping[TP, list[Any]]:
        return {}

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        raise NotImplementedError("records are delivered in batches")

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)


class RefusingProducer(Producer):
    """Refuses Faust's own sends: outside `PartitionBatch.emit` there is no transaction."""

    async def send(self, topic: str, *args: Any, **kwargs: Any) -> Awaitable[RecordMetadata]:
        """Refuse.

        Raises:
            OutsideBatchError: Always.
        """
        raise OutsideBatchError(f"send to {topic}: use PartitionBatch.emit")

    async def send_and_wait(self, topic: str, *args: Any, **kwargs: Any) -> RecordMetadata:
        """Refuse.

        Raises:
            OutsideBatchError: Always.
        """
        raise OutsideBatchError(f"send to {topic}: use PartitionBatch.emit")

    def send_soon(self, fut: FutureMessage) -> None:
        """Refuse.

        Raises:
            OutsideBatchError: Always.
        """
        raise OutsideBatchError("send_soon: use PartitionBatch.emit")

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Create nothing: topics are made at genesis."""

    def key_partition(self, topic: str, key: bytes) -> TP:
        """Refuse: the partition is the batch's."""
        raise NotImplementedError("PartitionBatch.emit keeps the partition number")
