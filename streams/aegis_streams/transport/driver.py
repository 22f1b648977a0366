"""The poll loop: group membership, fetching, and the lanes of the owned partitions.

One thread polls. It alone touches the group's consumer, and between two polls it alone decides
which partitions are fetched. A partition that the group gives to this worker is *not* assigned
to the fetcher at once: its lane acquires it beside the loop, and only then is it fetched, at
exactly its committed offsets. A record of any other partition is dropped, so nothing that was
fetched before a rebalance can slip through.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from aegis_streams.transport.context import LaneContext
from aegis_streams.transport.errors import StuckError, TransportConfigError
from aegis_streams.transport.intake import Intake
from aegis_streams.transport.lane import Lane
from aegis_streams.transport.transaction import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from confluent_kafka import KafkaError, TopicPartition

    from aegis_streams.transport.clients import Clients, GroupConsumer, RebalanceCallback
    from aegis_streams.transport.context import Outlet
    from aegis_streams.transport.failstop import FailStop
    from aegis_streams.transport.hooks import Lifecycle, Observer
    from aegis_streams.transport.settings import TransportSettings

_log = logging.getLogger(__name__)

_METADATA_POLL: Final = 0.05
_METADATA_TIMEOUT: Final = 10.0


class Driver:
    """Runs the partitions of one worker.

    Args:
        settings: Limits and addresses.
        topic: The subscribed topic; its siblings follow it.
        clients: Makes the Kafka clients.
        outlet: The application's side.
        lifecycle: Approves restored partitions.
        observer: Hooks for metrics.
        failstop: Ends the process after a fault.
    """

    def __init__(
        self,
        settings: TransportSettings,
        topic: str,
        *,
        clients: Clients,
        outlet: Outlet,
        lifecycle: Lifecycle,
        observer: Observer,
        failstop: FailStop,
    ) -> None:
        self.polled = time.monotonic()
        self._settings = settings
        self._topic = topic
        self._clients = clients
        self._failstop = failstop
        self._context = LaneContext(
            settings=settings,
            topics=(topic, *settings.siblings),
            clients=clients,
            outlet=outlet,
            group=self,
            lifecycle=lifecycle,
            observer=observer,
            failstop=failstop,
            restoring=threading.Semaphore(settings.restore_parallelism),
        )
        self._intake = Intake(settings, self._context.topics, observer)
        self._lanes: dict[int, Lane] = {}
        self._former: dict[int, Lane] = {}
        self._activations: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        self._metadata: object | None = None
        self._metadata_wanted = False
        self._metadata_changed = threading.Condition()
        self._partitions = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aegis-poll", daemon=True)

    # ------------------------------------------------------------------ for the other threads

    def start(self) -> None:
        """Check the topics and begin polling; blocks for a few round trips.

        Raises:
            TransportConfigError: A topic is missing, or partition counts differ.
        """
        self._check_topics()
        self._thread.start()

    def drain(self) -> None:
        """Finish the batches in hand, commit them, leave; blocks.

        Raises:
            StuckError: It took longer than `TransportSettings.drain_timeout`.
        """
        self._closing.set()
        if not self._thread.is_alive():
            return
        self._thread.join(self._settings.drain_timeout)
        if self._thread.is_alive() and not self._failstop.failed:
            raise StuckError(f"draining took longer than {self._settings.drain_timeout} s")

    @property
    def partitions(self) -> int:
        """How many partitions the subscribed topic has; 0 before the start."""
        return self._partitions

    @property
    def closing(self) -> bool:
        """Whether an orderly shutdown has begun."""
        return self._closing.is_set()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Lanes of all partitions that the group has given to this worker."""
        return tuple(self._lanes.values())

    def positions(self) -> Mapping[tuple[str, int], int]:
        """Return the next offset to fetch per topic and partition."""
        return dict(self._intake.positions)

    @property
    def parked(self) -> bool:
        """Whether fetching rests because nobody takes records."""
        return self._intake.parked

    def activate(self, lane: Lane) -> None:
        """Start fetching a lane's partition at its offsets; returns at once."""
        self._activations.put(lane)

    def metadata(self, refused: object | None, cancelled: Callable[[], bool]) -> object | None:
        """Return the group metadata to commit with (see `Group`)."""
        deadline = time.monotonic() + _METADATA_TIMEOUT
        with self._metadata_changed:
            while self._metadata is None or self._metadata is refused:
                if cancelled():
                    return None
                if time.monotonic() > deadline:
                    raise StuckError(f"no group metadata within {_METADATA_TIMEOUT} s")
                self._metadata_wanted = True
                self._metadata_changed.wait(_METADATA_POLL)
            return self._metadata

    # ------------------------------------------------------------------ the poll thread

    def _run(self) -> None:
        with self._failstop.guard():
            consumer = self._clients.consumer(self._on_error)
            consumer.subscribe(
                [self._topic],
                on_assign=self._guarded(self._on_assign),
                on_revoke=self._guarded(self._on_revoke),
                on_lost=self._guarded(self._on_lost),
            )
            while not self._closing.is_set() and not self._failstop.failed:
                self._round(consumer)
            if not self._failstop.failed:
                self._close(consumer)

    def _round(self, consumer: GroupConsumer) -> None:
        self.polled = time.monotonic()
        self._context.observer.polled()
        self._start_fetching(consumer)
        if self._metadata_wanted:
            self._refresh_metadata(consumer)
        if not self._intake.rests(consumer):
            self._intake.fetch(consumer)

    def _close(self, consumer: GroupConsumer) -> None:
        self._context.observer.assigned(None)
        for lane in self._lanes.values():
            lane.leave(draining=True)
        self._settle(list(self._lanes.values()))
        consumer.close()
        for lane in self._lanes.values():
            lane.join(self._settings.exit_timeout)

    def _start_fetching(self, consumer: GroupConsumer) -> None:
        while not self._activations.empty():
            lane = self._activations.get()
            # Another lane may own the partition by now, if it was lost and given again.
            if self._lanes.get(lane.partition) is lane and not lane.leaving:
                self._intake.add(consumer, lane)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failstop.fail(fault_of(KafkaException(error), "consumer"))
        else:
            _log.debug("consumer: %s", error)

    # ------------------------------------------------------------------ rebalance, same thread

    def _guarded(self, callback: RebalanceCallback) -> RebalanceCallback:
        def guarded(consumer: GroupConsumer, partitions: list[TopicPartition]) -> None:
            # What is raised through the client is garbled by it.
            with self._failstop.guard():
                callback(consumer, partitions)

        return guarded

    def _on_assign(self, consumer: GroupConsumer, partitions: list[TopicPartition]) -> None:
        for partition in sorted(tp.partition for tp in partitions):
            lane = Lane(partition, self._context, self._former.pop(partition, None))
            self._lanes[partition] = lane
            lane.start()
        self._context.observer.assigned(frozenset(self._lanes))
        consumer.incremental_assign([])
        self._metadata_wanted = True

    def _on_revoke(self, consumer: GroupConsumer, partitions: list[TopicPartition]) -> None:
        self._give_up(consumer, partitions, member=not self._closing.is_set())

    def _on_lost(self, consumer: GroupConsumer, partitions: list[TopicPartition]) -> None:
        # Somebody else may own them already; the fences see to it that only one can commit.
        _log.warning("partitions lost: %s", sorted(tp.partition for tp in partitions))
        self._give_up(consumer, partitions, member=False)

    def _give_up(
        self, consumer: GroupConsumer, partitions: list[TopicPartition], *, member: bool
    ) -> None:
        taken = sorted({tp.partition for tp in partitions} & set(self._lanes))
        lanes = [self._lanes.pop(partition) for partition in taken]
        self._context.observer.assigned(frozenset(self._lanes) if member else None)
        for lane in lanes:
            lane.leave(draining=self._closing.is_set())
        self._settle(lanes)
        self._intake.remove(consumer, taken)
        self._former.update({lane.partition: lane for lane in lanes})
        self._metadata_wanted = True

    def _settle(self, lanes: list[Lane]) -> None:
        settings = self._settings
        deadline = time.monotonic() + settings.barrier_timeout + settings.commit_timeout
        for lane in lanes:
            if not lane.wait_settled(max(0.0, deadline - time.monotonic())):
                raise StuckError(
                    f"partition {lane.partition} did not settle ({lane.state.value.value})"
                )

    def _refresh_metadata(self, consumer: GroupConsumer) -> None:
        # Never from a callback: the client asks its own main thread without releasing Python's
        # lock, and while the consumer closes nobody answers there.
        try:
            found = consumer.consumer_group_metadata()
        except RuntimeError as error:
            # Not a member at this moment (joining, lost, leaving): commits wait.
            _log.info("group metadata: %s", error)
            found = None
        with self._metadata_changed:
            self._metadata = found
            self._metadata_wanted = False
            self._metadata_changed.notify_all()

    def _check_topics(self) -> None:
        topics = [*self._context.topics, *self._context.outlet.tables.values()]
        counts = self._clients.partition_counts(topics, self._settings.fence_timeout)
        if 0 in counts.values() or len(set(counts.values())) != 1:
            found = ", ".join(f"{t}: {n or 'missing'}" for t, n in counts.items())
            raise TransportConfigError(
                f"inputs, siblings and changelogs need one number of partitions; found {found}"
            )
        self._partitions = counts[self._context.topics[0]]
