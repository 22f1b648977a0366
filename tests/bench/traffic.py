"""A steady load, and the view of a consumer who believes nothing that it did not verify."""

from __future__ import annotations

import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from confluent_kafka import Producer, TopicPartition

from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.codecs import decision_decoder
from aegis_streams.client.decisions import DecisionReader, VerifiedDecision
from aegis_streams.client.kafka import open_consumer, record_of
from aegis_streams.names import DECISIONS, PROPOSALS
from bench.sender import Sender
from bench.workload import submissions

if TYPE_CHECKING:
    from types import TracebackType

    from aegis_streams.settings import Settings

_POLL: Final = 0.1
_CHUNK: Final = 500


class Arrival(NamedTuple):
    """A verified decision.

    Attributes:
        partition: Where it was read.
        consumed: When the committed record was handed out; monotonic seconds.
        verified: When its receipt and copies had been verified.
    """

    partition: int
    consumed: float
    verified: float


class Traffic:
    """Sends proposals at a rate and collects the decisions; a context manager.

    Attributes:
        sent: When the produce call of each proposal began, known once sending has stopped.
        arrivals: The decision of each proposal.
        refused: What did not verify.

    Args:
        settings: The deployment.
        schema_id: Id of the proposals' schema.
        rate: Proposals a second.
        name: Begins the ids of the proposals.
    """

    def __init__(self, settings: Settings, schema_id: int, rate: int, name: str) -> None:
        self.sent: dict[str, float] = {}
        self.arrivals: dict[str, Arrival] = {}
        self.refused: list[str] = []
        self._settings = settings
        self._sender = Sender(settings.bootstrap, schema_id, rate, name)
        self._ended = threading.Event()
        self._reading = threading.Event()
        self._faults: list[Exception] = []
        self._reader = threading.Thread(target=self._guarded, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        if not self._reading.wait(30):
            raise AssertionError("the consumer did not get its partitions")
        self._sender.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sender.kill()
        self._ended.set()
        self._reader.join()

    def stop_sending(self, seconds: float) -> None:
        """Send no more, and wait for the decisions of everything sent.

        Raises:
            AssertionError: They did not all come, or something went wrong.
        """
        self.sent = self._sender.stop()
        deadline = time.monotonic() + seconds
        while self.open and time.monotonic() < deadline and not self._faults:
            time.sleep(_POLL)
        if self._faults or self.refused or self.open:
            raise AssertionError(f"{self.open} open, {self.refused[:1]}, {self._faults[:1]}")

    @property
    def open(self) -> int:
        """Proposals without a decision so far."""
        return self._sender.sent - len(self.arrivals)

    def _guarded(self) -> None:
        try:
            self._read()
        except Exception as error:  # noqa: BLE001 - shown by `stop_sending`
            self._faults.append(error)

    def _read(self) -> None:
        settings = self._settings
        verifier = Verifier(load_trust(settings.trust_file))
        reader = DecisionReader(verifier, decision_decoder(settings.registry_url))
        consumer = open_consumer(settings.bootstrap)
        # Offsets, not "the end": that is looked up later, when decisions may be there already.
        where = [TopicPartition(DECISIONS, p) for p in range(settings.partitions)]
        for each in where:
            each.offset = consumer.get_watermark_offsets(each, timeout=30)[1]
        consumer.assign(where)
        self._reading.set()
        while not self._ended.is_set():
            first = consumer.poll(_POLL)
            messages = [] if first is None else [first, *consumer.consume(_CHUNK, 0)]
            consumed = time.monotonic()
            for record in filter(None, map(record_of, messages)):
                found = reader.read(record)
                if isinstance(found, VerifiedDecision):
                    arrival = Arrival(record.partition, consumed, time.monotonic())
                    self.arrivals.setdefault(found.proposal_id, arrival)
                else:
                    self.refused.append(found.message)
        consumer.close()


def sample(settings: Settings, schema_id: int, count: int, name: str) -> None:
    """Produce a few proposals at once."""
    producer = Producer({"bootstrap.servers": settings.bootstrap, "partitioner": "murmur2_random"})
    for each in islice(submissions(name, schema_id), count):
        producer.produce(PROPOSALS, each.value, each.key)
    producer.flush(30)
