"""What an app plugs into the driver: who approves a partition, and who watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from confluent_kafka import Message

    from aegis_streams.transport.state import PartitionState


class Lifecycle(Protocol):
    """Approves what the driver restored, and the records of each batch, before any is delivered."""

    def acquired(
        self,
        partition: int,
        tables: Mapping[str, PartitionState],
        committed: Mapping[str, int | None],
    ) -> None:
        """Check the restored state of a partition; raising stops the process.

        Called in the partition's own thread and may block; other partitions go on meanwhile.
        Nothing may be written to the tables here.

        Args:
            partition: The acquired partition.
            tables: Restored state by table name.
            committed: Next offset of the group per input topic, None where the group has none.
                The driver starts exactly there and stops the process when one is None.
        """

    def withheld(self, partition: int, records: Sequence[Message]) -> str:
        """Say why these records cannot be delivered yet; empty when they can.

        Asked before each new batch, and while it says no again and again; nothing is open
        meanwhile, other partitions go on, and the partition may be given up. Same thread as
        `acquired`; must be quick.

        Args:
            partition: The records' partition.
            records: The records of the batch, at least one.

        Returns:
            Short and stable, for the metric.
        """

    def released(self, partition: int) -> None:
        """Forget a partition: it was given up in good order. Same thread as `acquired`."""


class NoLifecycle:
    """A lifecycle that approves everything."""

    def acquired(
        self,
        partition: int,
        tables: Mapping[str, PartitionState],
        committed: Mapping[str, int | None],
    ) -> None:
        """Approve."""

    def withheld(self, partition: int, records: Sequence[Message]) -> str:
        """Withhold nothing."""
        del partition, records
        return ""

    def released(self, partition: int) -> None:
        """Nothing to forget."""


class Observer:
    """Hooks for metrics; this base does nothing.

    Called from the driver's threads, and `stalled` from the event loop as well: implementations
    must be quick, must not block, and must not raise.
    """

    def polled(self) -> None:
        """Report that the poll loop came round."""

    def assigned(self, partitions: frozenset[int] | None) -> None:
        """Report the partitions that the group gives to this member; None when it is no member."""

    def batch(self, partition: int, records: int, size: int) -> None:
        """Report a batch handed to the agent: number of records, their value bytes."""

    def committed(self, partition: int, seconds: float) -> None:
        """Report a committed batch: seconds from the agent's last word to the commit."""

    def aborted(self, partition: int, cause: str) -> None:
        """Report an abort that is repeated in place; `cause` is one of few stable words."""

    def restored(self, partition: int, seconds: float, records: int) -> None:
        """Report an acquisition: seconds of fence, wait and restore, and records read."""

    def stalled(self, active: bool, reason: str) -> None:
        """Report that a partition waits deliberately (`active`), or that it goes on."""

    def lag(self, topic: str, partition: int, records: int, last_stable: int) -> None:
        """Report the lag of an input: end offset minus position, and the last stable offset."""

    def no_lag(self, topic: str, partition: int) -> None:
        """Report that an input is not read here any more: its lag is another worker's to tell."""

    def unowned(self, partitions: int) -> None:
        """Report how many partitions the group gives to nobody at this moment."""

    def owned(self, partitions: frozenset[int]) -> None:
        """Report the partitions whose batches are delivered from now on."""

    def fault(self, reason: str) -> None:
        """Report that the process stops, and why."""
