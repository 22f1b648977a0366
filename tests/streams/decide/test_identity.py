from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from aegis_codecs.records import bodies
from aegis_streams.decide.identity import UNREADABLE, InputRecord
from aegis_streams.names import PROPOSALS
from support.decider import RunningDecider
from support.deciding import AGENT, JSON, PARTITION, proposal
from support.raw_records import produce_header
from support.schema_registry import fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30.0


@pytest.fixture
def unreadable() -> Iterator[Message]:
    """A message from the cluster inside librdkafka, with a header name that is not UTF-8."""
    producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = producer.list_topics(timeout=SECONDS).brokers.values()
    cluster = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    produce_header(cluster, PROPOSALS, PARTITION, b"value", b"\xffcontent-type", key=AGENT.encode())
    address = {"bootstrap.servers": cluster, "group.id": "reader", "log_level": 0}
    with closing(Consumer(address)) as consumer:
        consumer.assign([TopicPartition(PROPOSALS, PARTITION, 0)])
        message = consumer.poll(SECONDS)
        assert message is not None
        yield message
    producer.flush(0)


def test_a_record_with_unreadable_headers_is_read_as_often_as_it_comes(unreadable: Message) -> None:
    for _ in range(3):
        record = InputRecord.of(unreadable)
        assert record.headers is UNREADABLE
        assert (record.key, record.value, record.offset) == (AGENT.encode(), b"value", 0)


def test_it_is_refused_and_the_stream_goes_on(unreadable: Message) -> None:
    with fake_registry() as registry:
        running = RunningDecider(registry.url)
        running.offset = 1
        good = running.messages([json.dumps(proposal()).encode()], JSON)
        running.decide([unreadable, *good], commit=False)
        running.decide([unreadable, *good])
        (refused, decided), (letter,) = running.leaves(), running.letters()
    fields = bodies.decode(refused.body).fields
    assert (refused.kind, decided.kind) == ("InputRejected", "DecisionMade")
    assert (fields["reason"], fields["cause_offset"]) == ("content_type_unsupported", 0)
    assert "not UTF-8" in fields["detail"]
    assert (letter.reason, letter.value, letter.headers) == (fields["reason"], b"value", {})


def test_other_faults_of_the_client_stop_the_worker() -> None:
    class Faulty(Message):
        def headers(self) -> None:
            raise SystemError("something else")

    with pytest.raises(SystemError, match="something else"):
        InputRecord.of(Faulty())
