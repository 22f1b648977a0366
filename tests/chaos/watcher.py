"""A consumer's view while the run goes on: what became visible, and when.

It reads committed records only. So a gap in what it sees is a gap for everybody downstream, and
what it has not seen is not yet done.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from aegis_codecs.records import bodies
from aegis_codecs.records.envelopes import checkpoint_codec
from aegis_codecs.records.wire import WireDecoder
from aegis_governance.errors import AegisError
from aegis_streams.kafka.connection import connection
from aegis_streams.names import AUDIT, CHECKPOINTS
from chaos.arrivals import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from confluent_kafka import Message

    from aegis_streams.records import Records

_POLL: Final = 0.1
_SILENCE: Final = 15.0
"""Seconds without a record after which the client is made anew.

A broker that has just started may answer without knowing its topics yet; a consumer that hears it
then may read nothing ever after (librdkafka #4804, #5153).
"""


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
        self.arrivals = Arrivals(partitions)
        self.faults: list[str] = []
        self._partitions = range(partitions)
        self._records = records
        self._checkpoints = WireDecoder(checkpoint_codec(), records.schemas)
        self._clock = clock
        self._causes: set[tuple[str, int, int]] = set()
        self._leaves: dict[int, int] = dict.fromkeys(self._partitions, 0)
        self._sealed: dict[int, int] = dict.fromkeys(self._partitions, 0)
        self._stop = threading.Event()
        self._positions = dict.fromkeys(
            ((topic, each) for topic in (AUDIT, CHECKPOINTS) for each in self._partitions),
            OFFSET_BEGINNING,
        )
        self._bootstrap = bootstrap
        self._thread = threading.Thread(target=self._run, name="chaos-watcher", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no longer."""
        self._stop.set()
        self._thread.join()

    @property
    def decided(self) -> int:
        """Inputs that have a leaf."""
        return len(self._causes)

    @property
    def leaves(self) -> int:
        """Leaves so far, over all partitions."""
        return sum(self._leaves.values())

    @property
    def unsealed(self) -> int:
        """Leaves that are not sealed."""
        return sum(self._leaves[each] - self._sealed[each] for each in self._partitions)

    def behind(self, inputs: Iterable[tuple[str, int, int]]) -> tuple[int, int]:
        """Return how many of `inputs` have no leaf yet, and how many leaves are not sealed."""
        undecided = sum(1 for each in inputs if each not in self._causes)
        return undecided, self.unsealed

    def _run(self) -> None:
        while not self._stop.is_set():
            self._read()

    def _read(self) -> None:
        """Read on from where it stands, until nothing comes for long."""
        heard = self._clock()
        with closing(self._consumer()) as consumer:
            while not self._stop.is_set() and self._clock() - heard < _SILENCE:
                for message in consumer.consume(500, _POLL):
                    if message.error() is None:
                        heard = self._clock()
                        self._take(message)

    def _consumer(self) -> Consumer:
        consumer = Consumer(
            {
                **connection(self._bootstrap),
                "group.id": "chaos-watcher",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        consumer.assign([TopicPartition(*place, at) for place, at in self._positions.items()])
        return consumer

    def _take(self, message: Message) -> None:
        topic, partition = message.topic() or "", message.partition() or 0
        self._positions[topic, partition] = 1 + (message.offset() or 0)
        self.arrivals.note(topic, partition, self._clock())
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
