from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Message

from aegis_streams.decide.decider import MAX_AHEAD_MS, Decider
from aegis_streams.metrics import Health, Metrics
from aegis_streams.names import PROPOSALS
from aegis_streams.runtime.observer import WorkerObserver
from aegis_streams.runtime.parts import WorkerParts
from aegis_streams.settings import Settings
from support.deciding import START
from support.schema_registry import fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = START / 1000

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def decider(clock: Clock) -> Iterator[Decider]:
    metrics, health, log = Metrics("decide"), Health(60.0), logging.getLogger("aegis.decide")
    parts = WorkerParts(metrics, health, WorkerObserver(metrics, health, log), log)
    with fake_registry() as registry:
        yield Decider(Settings(registry_url=registry.url), parts, clock)


def records(*ahead: int) -> list[Message]:
    return [
        Message(topic=PROPOSALS, partition=0, offset=n, timestamp=(2, START + milliseconds))
        for n, milliseconds in enumerate(ahead)
    ]


def test_records_of_the_past_and_of_five_minutes_pass(decider: Decider) -> None:
    assert decider.withheld(0, records(-MAX_AHEAD_MS * 1_000, 0, MAX_AHEAD_MS)) == ""


def test_a_single_record_from_the_future_holds_its_batch_back(
    decider: Decider, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    early = records(0, MAX_AHEAD_MS + 1, 0)
    assert decider.withheld(3, early) == "record_from_the_future"
    (event,) = caplog.records
    assert "check both clocks" in event.getMessage()
    assert vars(event)["partition"] == 3
    clock.now += 0.001
    assert decider.withheld(3, early) == ""
