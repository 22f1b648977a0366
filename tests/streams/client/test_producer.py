"""The producer checks before it sends, waits when there is too much, and awaits every delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError, Message

from aegis_codecs.records.proposals import MAX_PROPOSAL, content_sha256
from aegis_streams.client import producer as module
from aegis_streams.client.errors import DeliveryError, ProposalError
from aegis_streams.client.kafka import Record
from aegis_streams.client.producer import Delivered, ProposalProducer
from aegis_streams.errors import UnavailableError
from support.decisions import as_message, proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class FakeKafka:
    """Takes records into a queue and delivers some at each poll, in order."""

    def __init__(self, per_poll: int = 1, room: int = 1_000_000) -> None:
        self.per_poll = per_poll
        self.room = room
        self.queue: list[tuple[Callable[[KafkaError | None, Message], None], Record]] = []
        self.records: list[Record] = []
        self.headers: list[list[tuple[str, str | bytes | None]]] = []
        self.most_waiting = 0
        self.errors: dict[int, KafkaError] = {}
        self.time = 0.0

    def produce(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        *,
        headers: list[tuple[str, str | bytes | None]],
        on_delivery: Callable[[KafkaError | None, Message], None],
    ) -> None:
        if len(self.queue) >= self.room:
            raise BufferError("queue full")
        record = Record(topic, 3, len(self.records), key, value)
        self.records.append(record)
        self.headers.append(headers)
        self.queue.append((on_delivery, record))
        self.most_waiting = max(self.most_waiting, len(self.queue))

    def poll(self, timeout: float) -> int:
        self.time += timeout
        served = 0
        while timeout and self.queue and served < self.per_poll:
            report, record = self.queue.pop(0)
            report(self.errors.get(record.offset), as_message(record))
            served += 1
        return served


def encode(record: Mapping[str, Any]) -> bytes:
    return content_sha256(record)


def connected(
    kafka: FakeKafka,
    on_delivered: Callable[[Delivered], None] | None = None,
    max_waiting: int = module.MAX_WAITING,
) -> ProposalProducer:
    return ProposalProducer(
        kafka,
        encode,
        on_delivered=on_delivered,
        max_waiting=max_waiting,
        clock=lambda: kafka.time,
    )


def test_a_proposal_is_keyed_by_its_agent_and_reported_with_its_place() -> None:
    kafka, delivered = FakeKafka(), list[Delivered]()
    with connected(kafka, on_delivered=delivered.append) as producer:
        producer.submit(proposal(agent_id="agent-é"))
        assert producer.waiting == 1
    (record,) = kafka.records
    assert (record.topic, record.key) == ("aegis.proposals", "agent-é".encode())
    assert record.value == encode(proposal(agent_id="agent-é"))
    assert kafka.headers == [[]]
    assert delivered == [Delivered("p-1", 3, 0)]
    assert (producer.sent, producer.delivered, producer.waiting) == (1, 1, 0)


def test_raw_bytes_are_sent_as_they_are_with_their_content_type() -> None:
    kafka = FakeKafka()
    with connected(kafka) as producer:
        producer.send("agent", b"{", label="broken", content_type="application/json")
    assert kafka.records[0].value == b"{"
    assert kafka.headers == [[("content-type", b"application/json")]]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"quality_score": 1.5}, "quality_score", "quality_score: 1.5 is not accepted"),
        ({"risk_proposed": float("nan")}, "risk_proposed", "risk_proposed: nan"),
        ({"proposal_id": ""}, "proposal_id", "1 to 128 characters"),
        ({"risk_proposed": "0.1"}, "risk_proposed", "risk_proposed: '0.1' is not accepted"),
        ({"submitted_at": None}, "submitted_at", "submitted_at: None is not accepted"),
        ({"proposal_summary": None}, "proposal_summary", "proposal_summary: None"),
        ({"metadata": {"a": 1}}, "metadata", "metadata: 1"),
        ({"risk": 0.1}, "risk", "risk"),
        ({"phase": "later"}, "phase", "one of plan, execute, verify"),
        ({"quality_subscores": [0.5] * 9_000}, "proposal", f"at most {MAX_PROPOSAL}"),
    ],
)
def test_what_is_no_proposal_is_refused_by_field_and_not_sent(
    changes: dict[str, Any], field: str, message: str
) -> None:
    kafka = FakeKafka()
    producer = ProposalProducer(kafka, lambda record: encode(record) * _length(record))
    with pytest.raises(ProposalError) as caught:
        producer.submit({**proposal(), **changes})
    assert message in str(caught.value)
    assert caught.value.field.startswith(field)
    assert kafka.records == []


def _length(record: Mapping[str, Any]) -> int:
    return len(record["quality_subscores"])


def test_a_missing_field_is_named() -> None:
    incomplete = proposal()
    del incomplete["reversible"]
    with pytest.raises(ProposalError, match="reversible: missing") as caught:
        connected(FakeKafka()).submit(incomplete)
    assert caught.value.field == "reversible"


def test_never_more_wait_than_is_allowed() -> None:
    kafka = FakeKafka()
    with connected(kafka, max_waiting=5) as producer:
        for number in range(40):
            producer.submit(proposal(proposal_id=f"p-{number}"))
            assert producer.waiting <= 5
    assert kafka.most_waiting == 5
    assert producer.delivered == 40
    assert [record.offset for record in kafka.records] == list(range(40))


def test_a_full_queue_of_the_client_is_waited_out() -> None:
    kafka = FakeKafka(room=3)
    with connected(kafka) as producer:
        for number in range(10):
            producer.submit(proposal(proposal_id=f"p-{number}"))
    assert producer.delivered == 10


def test_standstill_ends_with_an_error_that_says_where_to_look() -> None:
    kafka = FakeKafka(per_poll=0)
    producer = connected(kafka, max_waiting=2)
    producer.submit(proposal())
    producer.submit(proposal())
    with pytest.raises(UnavailableError, match="aegis status"):
        producer.submit(proposal())
    assert kafka.time == pytest.approx(module.DELIVERY_SECONDS, abs=1)


def test_slow_deliveries_are_no_standstill() -> None:
    kafka = FakeKafka()
    producer = connected(kafka)
    for number in range(2_000):
        producer.submit(proposal(proposal_id=f"p-{number}"))
    producer.flush()
    assert kafka.time > module.DELIVERY_SECONDS
    assert producer.delivered == 2_000


def test_failed_deliveries_are_named_and_counted_once() -> None:
    kafka = FakeKafka()
    kafka.errors = dict.fromkeys(range(1, 15), KafkaError(7, "broker gone"))
    producer = connected(kafka)
    for number in range(20):
        producer.submit(proposal(proposal_id=f"p-{number}"))
    with pytest.raises(DeliveryError, match="14 records were not delivered") as caught:
        producer.flush()
    assert caught.value.count == 14
    assert len(caught.value.failures) == module.MAX_FAILURES_KEPT
    assert caught.value.failures[0].startswith("p-1: ")
    assert "broker gone" in caught.value.failures[0]
    producer.flush()
    assert (producer.delivered, producer.waiting) == (6, 0)


def test_an_error_within_the_block_is_not_hidden_by_waiting() -> None:
    kafka = FakeKafka(per_poll=0)
    producer = connected(kafka)

    def fail() -> None:
        with producer:
            producer.submit(proposal())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert producer.waiting == 1
