"""The consumer hands out what was verified, reports what was not, and stops on lasting failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from aegis_codecs.errors import Finding
from aegis_codecs.verifier import Verifier
from aegis_streams.client.consumer import VerifyingDecisionConsumer
from aegis_streams.client.decisions import DecisionReader, RefusedDecision, VerifiedDecision
from aegis_streams.client.errors import DecisionFault, NotPermittedError
from aegis_streams.client.kafka import NO_OFFSET, PARTITION_EOF, Record
from aegis_streams.client.release import ReleaseGuard
from aegis_streams.errors import UnavailableError
from support.decisions import (
    DAY,
    NOW,
    SignedStream,
    as_error,
    as_message,
    body,
    polls,
    proposal,
)
from support.logs import trust

if TYPE_CHECKING:
    from collections.abc import Sequence


def _message(each: Record | Message) -> Message:
    return as_message(each) if isinstance(each, Record) else each


class FakeConsumer:
    """Hands out prepared batches."""

    def __init__(self, *batches: Sequence[Record | Message]) -> None:
        self.consume = polls(*([_message(each) for each in batch] for batch in batches))
        self.closed = False
        self.committed = 0
        self.refusal: int | None = None

    def commit(self, *, asynchronous: Literal[False]) -> None:
        assert not asynchronous
        if self.refusal is not None:
            raise KafkaException(KafkaError(self.refusal))
        self.committed += 1

    def close(self) -> None:
        self.closed = True


def consumer(
    stream: SignedStream, kafka: FakeConsumer, now: int = NOW
) -> VerifyingDecisionConsumer:
    reader = DecisionReader(Verifier(trust()), stream.decode)
    return VerifyingDecisionConsumer(kafka, reader, ReleaseGuard(trust()), lambda: now)


def test_decisions_come_out_verified_and_in_order() -> None:
    stream = SignedStream()
    batch = stream.seal([body(decision_id=f"d-{n}") for n in range(3)])
    kafka = FakeConsumer(batch[:2], batch[2:])
    with consumer(stream, kafka) as decisions:
        found = decisions.poll(1) + decisions.poll(1)
        assert decisions.poll(1) == []
        assert decisions.seen == {"aegis/local/1/0": 2}
    assert all(isinstance(each, VerifiedDecision) for each in found)
    assert [each.decision_id for each in found if isinstance(each, VerifiedDecision)] == [
        "d-0",
        "d-1",
        "d-2",
    ]
    assert kafka.closed


def test_lies_and_repeats_come_out_as_findings_and_the_rest_goes_on() -> None:
    stream = SignedStream()
    first, second, third = stream.seal([body(decision_id=f"d-{n}") for n in range(3)])
    lie = stream.forge(second, {"status": "halt"})
    decisions = consumer(stream, FakeConsumer([first, lie, second, first, third]))
    found = decisions.poll(1)
    findings = [each.finding for each in found if isinstance(each, RefusedDecision)]
    assert findings == [DecisionFault.COPIES_DIFFER, DecisionFault.OLDER_THAN_SEEN]
    assert [isinstance(each, VerifiedDecision) for each in found] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_forged_decision_does_not_count_as_seen() -> None:
    stream = SignedStream()
    first, second = stream.seal([body(decision_id="d-1"), body(decision_id="d-2")])
    forged = stream.forge(second, {"body": body(decision_id="d-9")})
    decisions = consumer(stream, FakeConsumer([forged, first]))
    found = decisions.poll(1)
    assert isinstance(found[0], RefusedDecision)
    assert found[0].finding == Finding.ROOT_MISMATCH
    assert isinstance(found[1], VerifiedDecision)


def test_permission_is_given_by_the_clock_of_now() -> None:
    stream = SignedStream()
    batch = stream.seal([body()])
    (found,) = consumer(stream, FakeConsumer(batch)).poll(1)
    assert isinstance(found, VerifiedDecision)
    in_time = consumer(stream, FakeConsumer(), NOW + DAY - 1)
    assert in_time.permit(found, proposal()).decision_id == "d-1"
    too_late = consumer(stream, FakeConsumer(), NOW + DAY)
    with pytest.raises(NotPermittedError, match="expired"):
        too_late.permit(found, proposal())


def test_passing_disturbances_are_waited_out() -> None:
    stream = SignedStream()
    (genuine,) = stream.seal([body()])
    batch: list[Record | Message] = [as_error(PARTITION_EOF), as_error(7, retriable=True)]
    (found,) = consumer(stream, FakeConsumer([*batch, genuine])).poll(1)
    assert isinstance(found, VerifiedDecision)


def test_lasting_failures_are_raised() -> None:
    stream = SignedStream()
    decisions = consumer(stream, FakeConsumer([as_error(29)]))
    with pytest.raises(UnavailableError, match=r"aegis\.decisions: cannot be read"):
        decisions.poll(1)


def test_commit_keeps_the_position_and_says_when_it_could_not() -> None:
    kafka = FakeConsumer()
    decisions = consumer(SignedStream(), kafka)
    decisions.commit()
    assert kafka.committed == 1
    kafka.refusal = NO_OFFSET
    decisions.commit()
    kafka.refusal = 27
    with pytest.raises(UnavailableError, match="offsets not committed"):
        decisions.commit()
