from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaError, KafkaException

from aegis_streams.transport import BrokerError, FencedError, UnknownOutcomeError
from aegis_streams.transport.outcome import Verdict, classify, classify_read
from aegis_streams.transport.transaction import AbortedError, attempt
from support.transport_fakes import ABORT, FATAL, FENCED, RETRY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

FENCED_SLOT = KafkaError(KafkaError.FENCED_INSTANCE_ID, "slot")
OLD_EPOCH = KafkaError(KafkaError.INVALID_PRODUCER_EPOCH, "epoch", txn_requires_abort=True)
FATAL_AND_RETRIABLE = KafkaError(KafkaError.UNKNOWN, "both", fatal=True, retriable=True)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (RETRY, Verdict.RETRY),
        (ABORT, Verdict.ABORT),
        (FATAL, Verdict.FATAL),
        (FENCED, Verdict.FATAL),
        (FENCED_SLOT, Verdict.FATAL),
        (OLD_EPOCH, Verdict.FATAL),
        (FATAL_AND_RETRIABLE, Verdict.FATAL),
        (UNKNOWN, Verdict.FATAL),
    ],
)
def test_the_gravest_reading_of_an_error_counts(error: KafkaError, verdict: Verdict) -> None:
    assert classify(KafkaException(error)) is verdict


def failing(*errors: KafkaError) -> Callable[[float], None]:
    left = list(errors)

    def call(timeout: float) -> None:
        assert timeout > 0
        if left:
            raise KafkaException(left.pop(0))

    return call


def test_a_call_is_repeated_while_the_client_calls_it_retriable() -> None:
    attempt(failing(RETRY, RETRY), "commit", 10.0)


def test_an_abortable_error_says_why() -> None:
    with pytest.raises(AbortedError, match="ILLEGAL_GENERATION"):
        attempt(failing(RETRY, ABORT), "offsets", 10.0)


@pytest.mark.parametrize(("error", "fault"), [(FENCED, FencedError), (FATAL, BrokerError)])
def test_a_fatal_error_stops(error: KafkaError, fault: type[Exception]) -> None:
    with pytest.raises(fault, match="commit"):
        attempt(failing(error), "commit", 10.0)


def test_a_call_that_changes_nothing_is_repeated_after_any_error_but_a_fatal_one() -> None:
    attempt(failing(UNKNOWN, ABORT, RETRY), "offsets", 10.0, judge=classify_read)
    with pytest.raises(BrokerError, match="offsets"):
        attempt(failing(UNKNOWN, FATAL), "offsets", 10.0, judge=classify_read)


def test_no_outcome_in_time_stops() -> None:
    with pytest.raises(UnknownOutcomeError, match="no outcome within"):
        attempt(failing(*[RETRY] * 1000), "commit", 0.05)
