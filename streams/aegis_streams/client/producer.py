"""Sending proposals: checked first, never more at once than is bounded, each delivery awaited.

    with ProposalProducer.connect(settings) as producer:
        producer.submit(proposal)

Leaving the block waits until Kafka has taken everything and raises `DeliveryError` otherwise.
Sending a proposal twice is harmless: the stream recognises its id and content.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from confluent_kafka import KafkaException

from aegis_codecs.errors import DecodeError
from aegis_codecs.records.errors import EncodeError
from aegis_codecs.records.proposals import MAX_PROPOSAL, from_json, to_json, validate_record
from aegis_governance.errors import shown
from aegis_streams.client.codecs import proposal_encoder
from aegis_streams.client.errors import DeliveryError, ProposalError
from aegis_streams.client.kafka import open_producer, place_of, require_kafka
from aegis_streams.errors import UnavailableError
from aegis_streams.names import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from confluent_kafka import KafkaError, Message

    from aegis_streams.client.kafka import KafkaProducer
    from aegis_streams.settings import Settings

MAX_WAITING: Final = 10_000
"""Most records handed over and not yet delivered; `submit` blocks beyond."""
MAX_FAILURES_KEPT: Final = 10
"""Failed deliveries that are described; further ones are counted."""
DELIVERY_SECONDS: Final = 90.0
"""How long a full queue or a flush may stand still; above Kafka's own delivery timeout."""
CONTENT_TYPE: Final = "content-type"
_STEP_SECONDS: Final = 0.1


class Delivered(NamedTuple):
    """Where Kafka put a record: the cause that its leaf will name.

    Attributes:
        label: What the sender called the record, such as its proposal id.
        partition: Partition of the proposals topic.
        offset: Offset in it.
    """

    label: str
    partition: int
    offset: int


class ProposalProducer:
    """Sends proposals in order, with bounded memory.

    Not for use by several threads at once.

    Args:
        kafka: An idempotent producer with partitioner `murmur2_random`.
        encode: Turns a valid proposal into the bytes of a record.
        on_delivered: Called for each record that Kafka took, from within `submit`, `wait` and
            `flush`.
        max_waiting: Most records not yet delivered.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        kafka: KafkaProducer,
        encode: Callable[[Mapping[str, Any]], bytes],
        *,
        on_delivered: Callable[[Delivered], None] | None = None,
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kafka = kafka
        self._encode = encode
        self._on_delivered = on_delivered
        self._max_waiting = max_waiting
        self._clock = clock
        self._failures: list[str] = []
        self._failed = 0
        self.sent = 0
        self.delivered = 0

    @classmethod
    def connect(
        cls, settings: Settings, on_delivered: Callable[[Delivered], None] | None = None
    ) -> Self:
        """Return a producer for a deployment.

        Raises:
            UnavailableError: Kafka or the registry does not answer.
        """
        kafka = open_producer(settings.bootstrap, MAX_WAITING)
        require_kafka(kafka, settings.bootstrap, PROPOSALS)
        return cls(kafka, proposal_encoder(settings.registry_url), on_delivered=on_delivered)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.flush()

    @property
    def waiting(self) -> int:
        """Records handed over and neither delivered nor failed."""
        return self.sent - self.delivered - self._failed

    def submit(self, proposal: Mapping[str, Any]) -> None:
        """Check a proposal and hand it over; blocks while `max_waiting` are on their way.

        Raises:
            ProposalError: A field is missing or not accepted, or the proposal is too long;
                nothing was sent.
            UnavailableError: The queue stays full.
        """
        value = self._checked(proposal)
        self.send(proposal["agent_id"], value, label=proposal["proposal_id"])

    def send(self, key: str, value: bytes, *, label: str, content_type: str | None = None) -> None:
        """Hand over bytes as they are, unchecked; the stream judges them.

        Args:
            key: Record key: the agent's id.
            value: Record value.
            label: What to call the record in reports.
            content_type: Header that says what the bytes are; None means Avro.

        Raises:
            DeliveryError: The client library refuses the record, for instance as too large.
            UnavailableError: The queue stays full.
        """
        headers = _headers(content_type)
        self._make_room()
        while True:
            try:
                self._kafka.produce(
                    PROPOSALS,
                    value,
                    key.encode(),
                    headers=headers,
                    on_delivery=lambda error, message: self._report(label, error, message),
                )
                break
            except BufferError:
                self._make_room(self.waiting - 1)
            except KafkaException as error:
                raise DeliveryError([f"{label}: {error}"], 1) from error
        self.sent += 1
        self._kafka.poll(0)

    def wait(self, seconds: float) -> None:
        """Serve delivery reports for so long."""
        self._kafka.poll(seconds)

    def flush(self) -> None:
        """Wait until everything handed over was delivered.

        Raises:
            DeliveryError: Kafka refused records, or they timed out.
            UnavailableError: Deliveries stand still.
        """
        self._make_room(0)
        if self._failed:
            failures, count = self._failures, self._failed
            self._failures, self.sent, self._failed = [], self.sent - count, 0
            raise DeliveryError(failures, count)

    def _checked(self, proposal: Mapping[str, Any]) -> bytes:
        try:
            fault = validate_record(proposal)
            value = b"" if fault else self._encode(proposal)
        except (AttributeError, KeyError, TypeError, EncodeError) as error:
            raise _misshapen(proposal, error) from error
        if fault:
            field, found, allowed = fault
            raise ProposalError(f"{field}: {shown(found)} is not accepted; give {allowed}")
        if len(value) > MAX_PROPOSAL:
            raise ProposalError(
                f"proposal: {len(value)} bytes encoded, at most {MAX_PROPOSAL} are accepted; "
                "shorten metadata"
            )
        return value

    def _make_room(self, most: int | None = None) -> None:
        """Serve reports until at most so many records wait; progress restarts the clock."""
        target = self._max_waiting - 1 if most is None else most
        before, since = self.waiting, self._clock()
        while self.waiting > target:
            self._kafka.poll(_STEP_SECONDS)
            if self.waiting != before:
                before, since = self.waiting, self._clock()
            elif self._clock() - since > DELIVERY_SECONDS:
                raise UnavailableError(
                    f"{PROPOSALS}: {self.waiting} records wait and none was taken for "
                    f"{DELIVERY_SECONDS:.0f} s; is Kafka up? `aegis status` shows it"
                )

    def _report(self, label: str, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered += 1
            if self._on_delivered is not None:
                self._on_delivered(Delivered(label, *place_of(message)[1:]))
            return
        self._failed += 1
        if len(self._failures) < MAX_FAILURES_KEPT:
            self._failures.append(f"{label}: {error}")


def _headers(content_type: str | None) -> list[tuple[str, str | bytes | None]]:
    return [] if content_type is None else [(CONTENT_TYPE, content_type.encode())]


def _misshapen(proposal: Mapping[str, Any], error: Exception) -> ProposalError:
    """Return what is wrong with a mapping whose fields or their types are not those of a record.

    Reading it as JSON names the field: that reader is strict about every one of them.
    """
    try:
        from_json(to_json(proposal).encode())
    except DecodeError as found:
        return ProposalError(found.detail)
    except EncodeError:
        pass
    return ProposalError(f"proposal: not a record of all fields: {type(error).__name__}: {error}")
