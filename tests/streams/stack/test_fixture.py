"""What the session fixture promises to every other test."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from support.stack import unique

if TYPE_CHECKING:
    from support.stack import RunningStack

pytestmark = pytest.mark.stack


def produce(stack: RunningStack, topic: str, values: list[bytes]) -> None:
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": stack.bootstrap, "delivery.timeout.ms": 30_000})
    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=lambda e, _: failures.append(e))
    producer.flush(30)
    assert [failure is None for failure in failures] == [True] * len(values)


def consume(stack: RunningStack, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {"bootstrap.servers": stack.bootstrap, "group.id": "t", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        return [message.value() or b"" for message in consumer.consume(count, timeout=30)]
    finally:
        consumer.close()


def registry(stack: RunningStack, method: str, path: str, body: object = None) -> object:
    address = urlsplit(stack.registry_url)
    connection = http.client.HTTPConnection(address.netloc, timeout=10)
    connection.request(
        method,
        address.path + path,
        json.dumps(body) if body is not None else None,
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)


@pytest.mark.parametrize("kill", [False, True])
def test_records_survive_a_broker_restart(stack: RunningStack, kill: bool) -> None:
    topic = stack.topic("survive")
    produce(stack, topic, [b"before"])
    stack.restart_broker(kill=kill)
    produce(stack, topic, [b"after"])
    assert consume(stack, topic, 2) == [b"before", b"after"]


def test_topics_are_made_on_purpose_only(stack: RunningStack) -> None:
    producer = Producer({"bootstrap.servers": stack.bootstrap, "message.timeout.ms": 3_000})
    failures: list[object] = []
    producer.produce("no-such-topic", b"x", on_delivery=lambda e, _: failures.append(e))
    producer.flush(30)
    assert [failure is None for failure in failures] == [False]
    assert "no-such-topic" not in stack.own_topics()


def test_transactions_work_on_one_broker(stack: RunningStack) -> None:
    topic = stack.topic("transaction")
    producer = Producer({"bootstrap.servers": stack.bootstrap, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"inside", partition=0)
    producer.commit_transaction(30)
    assert consume(stack, topic, 1) == [b"inside"]


@pytest.mark.parametrize("kill", [False, True])
def test_schemas_survive_a_registry_restart(stack: RunningStack, kill: bool) -> None:
    name = unique("stone")
    schema = {"type": "record", "name": name.replace("-", "_"), "fields": []}
    made = registry(stack, "POST", f"/subjects/{name}/versions", {"schema": json.dumps(schema)})
    assert isinstance(made, dict)
    stack.restart_registry(kill=kill)
    found = registry(stack, "GET", f"/schemas/ids/{made['id']}")
    assert isinstance(found, dict)
    assert json.loads(found["schema"]) == schema


def test_a_frozen_broker_answers_again(stack: RunningStack) -> None:
    topic = stack.topic("frozen")
    with stack.frozen("kafka"), pytest.raises(KafkaException):
        stack.admin.list_topics(timeout=1)
    produce(stack, topic, [b"thawed"])
    assert consume(stack, topic, 1) == [b"thawed"]


def test_clear_leaves_nothing_of_a_deployment(stack: RunningStack) -> None:
    stack.topic("rubbish")
    stack.clear()
    assert stack.own_topics() == []
