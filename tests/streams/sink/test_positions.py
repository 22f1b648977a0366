"""Where the keeper finds the end of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from aegis_streams.names import AUDIT, CHECKPOINTS
from aegis_streams.sink.positions import KafkaEnds
from support.deployment import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    from support.stack import RunningStack

pytestmark = pytest.mark.stack


def test_what_cannot_be_read_hides_no_end_and_is_named(stack: RunningStack, tmp_path: Path) -> None:
    stack.clear()
    deployment = Deployment(stack, tmp_path, partitions=2)
    deployment.open()
    ends = KafkaEnds(deployment.settings)
    before = ends.read()
    logs = [deployment.settings.origin(partition) for partition in range(2)]
    assert [end for end in before if end.topic == AUDIT] == [(AUDIT, log, 1) for log in logs]
    assert ends.unreadable == {}
    producer = Producer({"bootstrap.servers": stack.bootstrap})
    for topic in (AUDIT, CHECKPOINTS):
        producer.produce(topic, b"no record", partition=1)
    assert producer.flush(30) == 0
    assert ends.read() == before
    places = sorted(place.rpartition(" ")[0] for place in ends.unreadable)
    assert places == [f"{AUDIT}[1] offset", f"{CHECKPOINTS}[1] offset"]
