"""A consumer's view while the run goes on: what became visible, and when.

It reads committed records only. So a gap in what it sees is a gap for everybody downstream, and
what it has not seen is not yet done.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from aegis_codecs.records import bodies
from aegis_codecs.records.envelopes import checkpoint_codec
from aegis_codecs.records.wire import WireDecoder
from aegis_governance.errors import AegisError
from aegis_streams.names import AUDIT, CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from confluent_kafka import Message

    from aegis_streams.records import Records

_POLL: Final = 0.1
Where = tuple[str, int]
"""Topic and partition."""


class Gap(NamedTuple):
    """Nothing became visible for a while.

    Attributes:
        began: Seconds since the run began, at the last record before.
        seconds: How long it lasted.
    """

    began: float
    seconds: float


class Watcher:
    """Follows leaves and checkpoints.

    Args:
        bootstrap: Kafka bootstrap servers.
        partitions: Number of partitions.
        records: Decodes the topics' records.
        clock: Seconds since the run began.
    """

    def __init__(
        self, bootstrap: str, partitions: int, records: Records, clock: Callable[[], float]
    ) -> None:
        self.arrivals: dict[Where, list[float]] = defaultdict(list)
        self.faults: list[str] = []
        self._partitions = range(partitions)
        self._records = records
        self._checkpoints = WireDecoder(checkpoint_codec(), records.schemas)
        self._clock = clock
        self._causes: set[tuple[str, int, int]] = set()
        self._leaves: dict[int, int] = dict.fromkeys(self._partitions, 0)
        self._sealed: dict[int, int] = dict.fromkeys(self._partitions, 0)
        self._stop = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "chaos-watcher",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._run, name="chaos-watcher", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no longer."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def behind(self, inputs: Iterable[tuple[str, int, int]]) -> tuple[int, int]:
        """Return how many of `inputs` have no leaf yet, and how many leaves are not sealed."""
        undecided = sum(1 for each in inputs if each not in self._causes)
        unsealed = sum(self._leaves[each] - self._sealed[each] for each in self._partitions)
        return undecided, unsealed

    def gaps(self, topic: str, longer: float, since: float) -> dict[int, list[Gap]]:
        """Return per partition the times of `longer` seconds or more without a record."""
        found: dict[int, list[Gap]] = {}
        for partition in self._partitions:
            times = self.arrivals[topic, partition]
            found[partition] = [
                Gap(round(before, 2), round(after - before, 2))
                for before, after in pairwise(times)
                if before >= since and after - before >= longer
            ]
        return found

    def recovery(self, topic: str, at: float) -> float | None:
        """Return how long after `at` every partition had shown a record; None if one did not."""
        firsts = []
        for partition in self._partitions:
            times = self.arrivals[topic, partition]
            place = bisect_right(times, at)
            if place == len(times):
                return None
            firsts.append(times[place])
        return round(max(firsts) - at, 2)

    def _run(self) -> None:
        self._consumer.assign(
            [
                TopicPartition(topic, partition, OFFSET_BEGINNING)
                for topic in (AUDIT, CHECKPOINTS)
                for partition in self._partitions
            ]
        )
        while not self._stop.is_set():
            for message in self._consumer.consume(500, _POLL):
                if message.error() is None:
                    self._take(message)

    def _take(self, message: Message) -> None:
        topic, partition = message.topic() or "", message.partition() or 0
        self.arrivals[topic, partition].append(self._clock())
        value = message.value()
        try:
            if topic == CHECKPOINTS:
                size = self._checkpoints.decode(value or b"").size
                self._sealed[partition] = max(self._sealed[partition], size)
                return
            entry = self._records.decode_audit(value)
            self._leaves[partition] = max(self._leaves[partition], entry.sequence + 1)
            fields = bodies.decode(entry.body).fields
        except AegisError as error:
            self.faults.append(f"{topic}[{partition}] offset {message.offset()}: {error}")
            return
        if "cause_offset" in fields:
            self._causes.add(
                (fields["cause_topic"], fields["cause_partition"], fields["cause_offset"])
            )
