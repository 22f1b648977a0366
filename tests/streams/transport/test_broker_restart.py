"""What a restarted broker does to a client that lived through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport.clients import KafkaClients
from support.transport_worker import settings

if TYPE_CHECKING:
    from support.stack import RunningStack

pytestmark = [pytest.mark.stack]
SECONDS = 60.0


def test_end_offsets_are_to_be_had_again(stack: RunningStack) -> None:
    topic = stack.topic("restarted", partitions=1)
    clients = KafkaClients(settings(bootstrap=stack.bootstrap))
    plain = AdminClient({"bootstrap.servers": stack.bootstrap, "log_level": 0})

    def answered() -> bool:
        try:
            found = clients.end_offsets([(topic, 0)], committed=False, timeout=5)
        except KafkaException:
            return False
        return found == {(topic, 0): 0}

    def plain_answer() -> object:
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client leaves it untyped
        future = plain.list_offsets({TopicPartition(topic, 0): latest}, request_timeout=5)
        try:
            return next(iter(future.values())).result(6).offset
        except KafkaException as error:
            return error.args[0].code()

    assert answered()
    assert plain_answer() == 0
    stack.restart_broker(kill=True)
    assert wait_until(answered, SECONDS)
    # The client's defect that `end_offsets` works around: it would say 0 if it were mended.
    assert wait_until(lambda: plain_answer() == KafkaError.FENCED_LEADER_EPOCH, SECONDS)
    assert plain_answer() == KafkaError.FENCED_LEADER_EPOCH
