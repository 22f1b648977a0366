"""Faust tables whose content changes with the transaction, one slice per input partition."""

# ruff: noqa: ANN401, ARG002  # the signatures are Faust's

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust
from faust.tables.manager import TableManager

from aegis_streams.transport.errors import NotOwnedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types import TP

    from aegis_streams.transport.state import PartitionState


class TxTable(faust.Table[bytes, bytes]):
    """A table of raw bytes that an agent reads and writes through `partition`.

    Faust's own mapping interface is not served: it keeps one dictionary for all partitions,
    cannot undo, and sends its changelog outside the transaction.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slices: dict[int, PartitionState] = {}

    def partition(self, number: int) -> PartitionState:
        """Return the state of an owned partition.

        Raises:
            NotOwnedError: This worker does not own the partition.
        """
        try:
            return self._slices[number]
        except KeyError:
            raise NotOwnedError(
                f"table {self.name!r}: partition {number} is not owned by this worker; "
                "use the number of the batch in hand"
            ) from None

    def show(self, number: int, state: PartitionState | None) -> None:
        """Set or take away the state of a partition (driver only)."""
        if state is None:
            self._slices.pop(number, None)
        else:
            self._slices[number] = state

    async def on_start(self) -> None:
        """Start without Faust's store and changelog topic; the driver restores the content."""

    async def on_rebalance(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: `show` brings and takes the content."""


class TxTableManager(TableManager):
    """Keeps Faust's recovery out: the driver restores before Faust hears of a partition."""

    async def on_start(self) -> None:
        """Register the tables at once."""
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()

    async def on_stop(self) -> None:
        """Stop the tables."""
        for table in self.values():
            await table.stop()

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Nothing to do: the lane has settled already."""

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Open the flow the first time; opening it again would clear the streams' queues."""
        if not self.app.flow_control.is_active():
            self.app.flow_control.resume()
            self.app.consumer.resume_flow()
        self.actives_ready = self.standbys_ready = True

    async def wait_until_recovery_completed(self) -> bool:
        """Return False: there is no recovery to wait for, the app may start."""
        return False

    def changelogs(self) -> Mapping[str, str]:
        """Return the changelog topic by table name."""
        return {str(name): f"{self.app.conf.id}-{name}-changelog" for name in self.keys()}
