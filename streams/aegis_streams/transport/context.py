"""What the lanes of one worker share, and what they need of the rest of the driver."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aegis_streams.transport.batch import PartitionBatch
    from aegis_streams.transport.clients import Clients
    from aegis_streams.transport.failstop import FailStop
    from aegis_streams.transport.hooks import Lifecycle, Observer
    from aegis_streams.transport.lane import Lane
    from aegis_streams.transport.settings import TransportSettings
    from aegis_streams.transport.state import PartitionState


class Outlet(Protocol):
    """Where batches go: the application's side of the driver."""

    @property
    def tables(self) -> Mapping[str, str]:
        """Changelog topic by table name."""

    def attach(self, partition: int, tables: Mapping[str, PartitionState]) -> None:
        """Make the state visible; batches of the partition follow. May block."""

    def detach(self, partition: int) -> None:
        """Take the state away; no batch of the partition follows. May block."""

    def deliver(self, batch: PartitionBatch) -> None:
        """Hand a batch to the agent; must not block. `PartitionBatch.finish` answers."""


class Group(Protocol):
    """What a lane needs of the poll loop."""

    def activate(self, lane: Lane) -> None:
        """Start fetching a lane's partition at its offsets, unless it is given up by then."""

    def metadata(self, refused: object | None, cancelled: Callable[[], bool]) -> object | None:
        """Return the group metadata to commit with.

        Args:
            refused: Metadata that the broker refused; waits for newer ones.
            cancelled: Ends the wait; None is returned then.
        """


@dataclass(frozen=True)
class LaneContext:
    """What all lanes of a worker share.

    Attributes:
        topics: The subscribed topic and its siblings.
        turn: Held while a batch is with the agent: one batch at a time, so that a transaction is
            open only as long as its own evaluation takes.
        restoring: Bounds the number of restores at the same time.
        serials: Numbers of batches and generations, unique within the process.
    """

    settings: TransportSettings
    topics: tuple[str, ...]
    clients: Clients
    outlet: Outlet
    group: Group
    lifecycle: Lifecycle
    observer: Observer
    failstop: FailStop
    restoring: threading.Semaphore
    turn: threading.Lock = field(default_factory=threading.Lock)
    serials: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
