"""From what the transport reports to metrics and health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.transport import Observer

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from aegis_streams.metrics import Health, Metrics


class WorkerObserver(Observer):
    """Counts batches and keeps readiness; counts of an undone batch are never added."""

    def __init__(self, metrics: Metrics, health: Health, log: logging.Logger) -> None:
        self._metrics = metrics
        self._health = health
        self._log = log
        self._pending: dict[int, Callable[[], None]] = {}
        self._records: dict[int, int] = {}
        self._assigned: frozenset[int] | None = None
        self._owned: frozenset[int] = frozenset()
        self._fault = ""

    def when_committed(self, partition: int, count: Callable[[], None]) -> None:
        """Call `count` once the open batch of a partition is committed, or never."""
        self._pending[partition] = count

    def polled(self) -> None:
        """Stay alive: the poll loop moves, whether or not there is anything to decide."""
        self._health.beat()

    def assigned(self, partitions: frozenset[int] | None) -> None:
        """Judge readiness by the partitions that the group gives to this worker."""
        self._assigned = partitions
        self._judge()

    def batch(self, partition: int, records: int, size: int) -> None:
        """Note a batch handed to the agent."""
        del size
        self._records[partition] = records
        self._pending.pop(partition, None)

    def committed(self, partition: int, seconds: float) -> None:
        """Count a committed batch."""
        self._metrics.commit_seconds.observe(seconds)
        self._metrics.batch_records.observe(self._records.get(partition, 0))
        count = self._pending.pop(partition, None)
        if count is not None:
            count()

    def aborted(self, partition: int, cause: str) -> None:
        """Count an undone batch by its cause."""
        self._pending.pop(partition, None)
        self._metrics.aborts.labels(cause).inc()
        self._log.warning("batch undone", extra={"partition": partition, "cause": cause})

    def restored(self, partition: int, seconds: float, records: int) -> None:
        """Note a restored partition."""
        self._metrics.restore_seconds.observe(seconds)
        self._metrics.restored.inc(records)
        self._log.info(
            "partition restored",
            extra={"partition": partition, "seconds": round(seconds, 3), "records": records},
        )

    def stalled(self, active: bool, reason: str) -> None:
        """Show how many partitions wait deliberately."""
        self._metrics.stalled.labels(reason).inc(1 if active else -1)

    def lag(self, topic: str, partition: int, records: int, last_stable: int) -> None:
        """Show the lag of an input partition."""
        del last_stable
        self._metrics.lag.labels(topic, str(partition)).set(records)

    def no_lag(self, topic: str, partition: int) -> None:
        """Show no lag of an input that another worker reads."""
        self._metrics.lag.remove(topic, str(partition))

    def unowned(self, partitions: int) -> None:
        """Show how many partitions belong to nobody."""
        self._metrics.unowned.set(partitions)

    def owned(self, partitions: frozenset[int]) -> None:
        """Judge readiness by the partitions that are worked on."""
        self._metrics.owned.set(len(partitions))
        self._owned = partitions
        self._judge()
        self._log.info("partitions owned", extra={"partitions": sorted(partitions)})

    def fault(self, reason: str) -> None:
        """Count what stops the process."""
        self._metrics.errors.labels("transport").inc()
        self._fault = reason
        self._judge()
        self._log.error("worker stops", extra={"reason": reason})

    def _judge(self) -> None:
        detail = self._fault or self._missing()
        self._health.became(ready=not detail, detail=detail)

    def _missing(self) -> str:
        if self._assigned is None:
            return "not a member of the group"
        waiting = sorted(self._assigned - self._owned)
        return f"partitions {waiting} are being acquired" if waiting else ""
