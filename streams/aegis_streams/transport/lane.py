"""One owned partition: its thread, its producer, its batches.

The steps are numbered as in docs/adr/0002-exactly-once-driver.md, which says for each of them
what happens when the process dies there.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Final

from aegis_streams.transport.acquire import Acquisition
from aegis_streams.transport.batch import PartitionBatch
from aegis_streams.transport.buffer import RecordBuffer
from aegis_streams.transport.commit import Commit
from aegis_streams.transport.errors import FaultError, RetriesExhaustedError, StuckError
from aegis_streams.transport.machine import HOLDS_TRANSACTION, LaneState, StateCell
from aegis_streams.transport.restore import RestoreCancelledError
from aegis_streams.transport.transaction import abort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message

    from aegis_streams.transport.acquire import Acquired
    from aegis_streams.transport.context import LaneContext

_log = logging.getLogger(__name__)
_TICK: Final = 0.1
_LOOK: Final = 1.0
"""Pause before the application is asked again for records that it withholds."""
_LONGEST_BACKOFF: Final = 1.0
_STALLED: Final = "stalled"
_DRAINING: Final = "draining"


class _StoppingError(Exception):
    """A fault elsewhere ends this thread too; never leaves the lane."""


class Lane:
    """Owns one partition from the rebalance that gives it to the one that takes it away."""

    def __init__(self, partition: int, context: LaneContext, predecessor: Lane | None) -> None:
        self.partition = partition
        self.buffer = RecordBuffer()
        self.state = StateCell()
        self.batch: PartitionBatch | None = None
        self.progress = time.monotonic()
        self.withheld = ""
        """Why the application takes no records at this moment; nothing is fetched meanwhile."""
        self._context = context
        self._predecessor = predecessor
        self._leaving = threading.Event()
        self._draining = False
        self._acquired: Acquired | None = None
        self._generation = 0
        self._begun = -math.inf
        self._cap = context.settings.batch_records
        self._thread = threading.Thread(
            target=self._run, name=f"aegis-partition-{partition}", daemon=True
        )

    # ------------------------------------------------------------------ for the other threads

    def start(self) -> None:
        """Start acquiring."""
        self._thread.start()

    def leave(self, *, draining: bool = False) -> None:
        """Give the partition up after the batch in hand; does not wait."""
        self._draining = draining
        self._leaving.set()
        self.buffer.close()

    def wait_settled(self, timeout: float) -> bool:
        """Wait until no transaction is open and none will be; False when time ran out."""
        return self.state.wait_until(
            lambda state: state not in HOLDS_TRANSACTION and state is not LaneState.IDLE, timeout
        )

    def join(self, timeout: float) -> bool:
        """Wait for the end of the lane's thread; False when time ran out."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def touch(self) -> None:
        """Note progress, for the watchdog."""
        self.progress = time.monotonic()

    @property
    def leaving(self) -> bool:
        """Whether the partition is being given up."""
        return self._leaving.is_set()

    @property
    def offsets(self) -> dict[str, int]:
        """Next offset per input topic after the last committed batch."""
        return {} if self._acquired is None else self._acquired.offsets

    # ------------------------------------------------------------------ the lane's own thread

    def _run(self) -> None:
        failstop = self._context.failstop
        with failstop.guard():
            try:
                acquired = self._acquire()
                while not self._stopped():
                    self._one_batch(acquired)
                self._release()
            except RestoreCancelledError:
                self.state.finish(LaneState.SETTLED)
            except _StoppingError:
                pass
        if failstop.failed:
            self.state.finish(LaneState.FAILED)
        elif self._acquired is not None:
            self._acquired.producer.close()

    def _stopped(self) -> bool:
        return self.leaving or self._context.failstop.failed

    def _acquire(self) -> Acquired:
        context = self._context
        if self._predecessor is not None:
            if not self._predecessor.join(context.settings.fence_timeout):
                raise StuckError(f"partition {self.partition}: its former thread does not end")
            self._predecessor = None
        # Steps 1 to 6 are numbered there.
        acquired = Acquisition(self.partition, context, self._stopped, self.touch).run()
        self._acquired = acquired
        self._generation = next(context.serials)
        if self.leaving:  # taken away while it was being approved: the application is gone, or busy
            context.lifecycle.released(self.partition)
            raise RestoreCancelledError
        # Step 7: show the state to the application, then fetch from the committed offsets.
        context.outlet.attach(self.partition, acquired.tables)
        self.state.move(LaneState.IDLE)
        context.group.activate(self)
        self.touch()
        return acquired

    def _release(self) -> None:
        if self._context.failstop.failed:
            raise _StoppingError
        # Step 17: nothing is open and nothing will be; the rebalance may go on.
        self.state.move(LaneState.SETTLED)
        # Step 18: forget the state; the next owner fences this producer.
        self._context.outlet.detach(self.partition)
        self._context.lifecycle.released(self.partition)

    # ------------------------------------------------------------------ batches

    def _one_batch(self, acquired: Acquired) -> None:
        settings = self._context.settings
        # Step 8: wait for records (while few come, a little for more of them), then for the turn.
        next_at = self._begun + settings.batch_interval
        if not self.buffer.wait(settings.linger, next_at, self._cap, _TICK):
            return
        if not self._take_turn():
            return
        # Step 9: take what is there.
        records, size = self.buffer.take(self._cap, settings.batch_bytes)
        if not records:
            self._context.turn.release()
            return
        if not self._admitted(records):
            return
        self.touch()
        self._begun = self.progress
        self._context.observer.batch(self.partition, len(records), size)
        self._until_committed(acquired, records)

    def _admitted(self, records: list[Message]) -> bool:
        """Wait until the application takes the records; the turn is held on entry.

        Returns:
            Whether it does, and the turn is held again; False when the partition is given up.
        """
        context = self._context
        reason = context.lifecycle.withheld(self.partition, records)
        if not reason:
            return True
        context.turn.release()
        context.observer.stalled(True, reason)
        self.withheld = reason
        try:
            while context.lifecycle.withheld(self.partition, records):
                if self._leaving.wait(_LOOK) or self._stopped():
                    return False
        finally:
            self.withheld = ""
            context.observer.stalled(False, reason)
        return self._take_turn()

    def _until_committed(self, acquired: Acquired, records: list[Message]) -> None:
        settings = self._context.settings
        pause, aborts, refused = settings.retry_backoff, 0, None
        while True:
            commit = Commit(self.partition, self._context, acquired, refused)
            cause = self._attempt(acquired, records, commit)
            if not cause or cause == _DRAINING:
                return
            self._context.observer.aborted(self.partition, cause)
            refused, aborts = commit.refused, aborts + (cause != _STALLED)
            if aborts > settings.batch_retries:
                raise RetriesExhaustedError(
                    f"partition {self.partition}: a batch of {len(records)} records was aborted "
                    f"{aborts} times in a row, last for {cause}; the process restarts"
                )
            if self._leaving.wait(pause) or not self._take_turn():
                return
            pause = min(pause * 2, _LONGEST_BACKOFF)

    def _attempt(self, acquired: Acquired, records: list[Message], commit: Commit) -> str:
        """Try to get a batch committed; the turn is held on entry and released.

        Returns:
            Why it was aborted; empty when it was committed.
        """
        try:
            batch = self._begin(acquired, records)
            self._deliver(batch)
        finally:
            self._context.turn.release()
        started = time.monotonic()
        self.state.move(LaneState.COMMITTING)
        cause = commit.run(batch, self._stopped)  # Steps 12 to 15
        if cause:
            # Step 16: undo. The records stay in memory and are delivered again.
            self._undo(acquired)
        else:
            self._context.observer.committed(self.partition, time.monotonic() - started)
        self.batch = None
        self.touch()
        self.state.move(LaneState.IDLE)
        return cause

    def _begin(self, acquired: Acquired, records: list[Message]) -> PartitionBatch:
        # Step 10: open the transaction and the overlays.
        context = self._context
        batch = PartitionBatch(
            self.partition,
            records,
            _next_offsets(acquired.offsets, records),
            generation=self._generation,
            serial=next(context.serials),
            producer=acquired.producer,
            observer=context.observer,
            patience=context.settings.transaction_timeout / 2,
        )
        acquired.producer.begin_transaction()
        for state in acquired.tables.values():
            state.open()
        self.batch = batch
        self.state.move(LaneState.DELIVERING)
        return batch

    def _deliver(self, batch: PartitionBatch) -> None:
        # Step 11: hand the batch to the agent and wait until it asks for the next one.
        self._context.outlet.deliver(batch)
        started = time.monotonic()
        deadline = started + self._context.settings.barrier_timeout
        while not batch.wait(_TICK):
            now = time.monotonic()
            if self._context.failstop.failed:
                raise _StoppingError
            if batch.stall_reason:
                deadline = now + self._context.settings.barrier_timeout
                self.touch()
                if self.leaving:
                    self._leave_stalled(batch)
                    return
            elif now > deadline:
                raise StuckError(
                    f"partition {self.partition}: the agent did not finish {len(batch.records)} "
                    f"records within {self._context.settings.barrier_timeout} s"
                )
        self._adapt(len(batch.records), time.monotonic() - started - batch.stalled_for)

    def _leave_stalled(self, batch: PartitionBatch) -> None:
        if not self._draining:
            raise FaultError(
                f"partition {self.partition} was taken away while its batch waits for "
                f"{batch.stall_reason!r}; the process restarts without it"
            )
        batch.give_up(_DRAINING)

    def _adapt(self, records: int, seconds: float) -> None:
        settings = self._context.settings
        if seconds > settings.batch_seconds:
            self._cap = max(1, int(records * settings.batch_seconds / seconds))
        else:
            self._cap = min(settings.batch_records, max(self._cap, records * 2))

    def _undo(self, acquired: Acquired) -> None:
        abort(
            acquired.producer,
            f"partition {self.partition}",
            self._context.settings.commit_timeout,
        )
        for state in acquired.tables.values():
            state.drop()
        self._generation = next(self._context.serials)

    def _take_turn(self) -> bool:
        while not self._context.turn.acquire(timeout=_TICK):
            if self._stopped():
                return False
        if self._stopped():
            self._context.turn.release()
            return False
        return True


def _next_offsets(before: dict[str, int], records: Sequence[Message]) -> dict[str, int]:
    after: dict[str | None, int | None] = {m.topic(): m.offset() for m in records}
    return {topic: _past(after.get(topic), offset) for topic, offset in before.items()}


def _past(last: int | None, before: int) -> int:
    return before if last is None else last + 1
