"""Records of one partition between the poll loop and the batch."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Message


class RecordBuffer:
    """Fetched records in delivery order; the poll thread offers, the partition's thread takes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._records: list[Message] = []
        self._bytes = 0
        self._first_at = 0.0
        self._closed = False

    @property
    def records(self) -> int:
        """Number of records waiting."""
        return len(self._records)

    @property
    def size(self) -> int:
        """Their value bytes."""
        return self._bytes

    @property
    def waiting_since(self) -> float | None:
        """Clock time at which the oldest waiting record came in; None when there is none."""
        return self._first_at if self._records else None

    def offer(self, records: list[Message]) -> None:
        """Append records; they are dropped when the buffer is closed already."""
        with self._condition:
            if self._closed:
                return
            if not self._records:
                self._first_at = self._clock()
            self._records += records
            self._bytes += sum(map(len, records))
            self._condition.notify()

    def close(self) -> None:
        """Drop everything, take no more, wake the waiting thread."""
        with self._condition:
            self._closed = True
            self._records = []
            self._bytes = 0
            self._condition.notify_all()

    def wait(self, linger: float, not_before: float, enough: int, timeout: float) -> bool:
        """Wait for records, then for more of them.

        Args:
            linger: Seconds since the oldest record came in before which to wait on.
            not_before: Clock time before which to wait on as well.
            enough: Number of records at which to wait no longer.
            timeout: Seconds to wait for the first record.

        Returns:
            Whether there are records.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._records or self._closed, timeout)
            while self._records and len(self._records) < enough:
                left = max(self._first_at + linger, not_before) - self._clock()
                if left <= 0 or not self._condition.wait(left):
                    break
            return bool(self._records)

    def take(self, most_records: int, most_bytes: int) -> tuple[list[Message], int]:
        """Take the oldest records, at least one if there is any.

        Returns:
            The records and their value bytes.
        """
        with self._condition:
            records, size = self._records, self._bytes
            if len(records) > most_records or size > most_bytes:
                records, size = _cut(records, most_records, most_bytes)
            self._records = self._records[len(records) :]
            self._bytes -= size
            self._first_at = self._clock()
            return records, size


def _cut(records: list[Message], most_records: int, most_bytes: int) -> tuple[list[Message], int]:
    taken = records[:most_records]
    size = sum(map(len, taken))
    if size <= most_bytes:
        return taken, size
    size = 0
    for count, record in enumerate(taken):
        size += len(record)
        if size > most_bytes and count:
            return taken[:count], size - len(record)
    return taken, size
