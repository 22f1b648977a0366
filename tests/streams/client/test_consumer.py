"""The consumer hands out what was verified, reports what was not, and stops on lasting failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from aegis_codecs.errors import Finding, RegistryUnreachableError
from aegis_codecs.verifier import Verifier
from aegis_streams.client.consumer import VerifyingDecisionConsumer
from aegis_streams.client.decisions import DecisionReader, RefusedDecision, VerifiedDecision
from aegis_streams.client.errors import DecisionFault, NotPermittedError, PositionLostError
from aegis_streams.client.kafka import NO_SUCH_OFFSET, PARTITION_EOF, Record
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

    from aegis_codecs.records.envelopes import SignedDecision


def _message(each: Record | Message) -> Message:
    return as_message(each) if isinstance(each, Record) else each


class FakeConsumer:
    """Hands out prepared batches."""

    def __init__(self, *batches: Sequence[Record | Message]) -> None:
        self.consume = polls(*([_message(each) for each in batch] for batch in batches))
        self.closed = False
        self.committed: list[dict[int, int]] = []
        self.refusal: int | None = None

    def commit(
        self, *, offsets: list[TopicPartition], asynchronous: Literal[False]
    ) -> list[TopicPartition]:
        assert not asynchronous
        if self.refusal is not None:
            raise KafkaException(KafkaError(self.refusal))
        assert {each.topic for each in offsets} == {"aegis.decisions"}
        self.committed.append({each.partition: each.offset for each in offsets})
        return offsets

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


def test_commit_keeps_what_was_handed_out_and_says_when_it_could_not() -> None:
    stream = SignedStream()
    kafka = FakeConsumer(stream.seal([body(decision_id=f"d-{n}") for n in range(3)]))
    decisions = consumer(stream, kafka)
    decisions.commit()
    assert kafka.committed == []
    decisions.poll(1)
    kafka.refusal = 27
    with pytest.raises(UnavailableError, match="offsets not committed"):
        decisions.commit()
    kafka.refusal = None
    decisions.commit()
    decisions.commit()
    assert kafka.committed == [{0: 3}]


class Outage:
    """A registry that is away for some envelopes, for so many askings."""

    def __init__(self, stream: SignedStream, place: bytes, times: int) -> None:
        self.stream = stream
        self.place = place
        self.times = times

    def decode(self, value: bytes) -> SignedDecision:
        if value == self.place and self.times:
            self.times -= 1
            raise RegistryUnreachableError("schema id 7: no usable answer")
        return self.stream.decode(value)


def test_an_outage_of_the_registry_loses_nothing() -> None:
    stream = SignedStream()
    batch = stream.seal([body(decision_id=f"d-{n}") for n in range(5)])
    kafka = FakeConsumer(batch)
    outage = Outage(stream, batch[2].value or b"", times=3)
    reader = DecisionReader(Verifier(trust()), outage.decode)
    decisions = VerifyingDecisionConsumer(kafka, reader, ReleaseGuard(trust()), lambda: NOW)
    before = ids(decisions.poll(1))
    decisions.commit()
    for _ in range(2):
        with pytest.raises(RegistryUnreachableError):
            decisions.poll(1)
        decisions.commit()
    after = ids(decisions.poll(1))
    decisions.commit()
    assert (before, after) == (["d-0", "d-1"], ["d-2", "d-3", "d-4"])
    assert kafka.committed == [{0: 2}, {0: 5}]


def ids(found: list[VerifiedDecision | RefusedDecision]) -> list[str]:
    assert all(isinstance(each, VerifiedDecision) for each in found), found
    return [each.decision_id for each in found if isinstance(each, VerifiedDecision)]


def test_a_lasting_failure_amid_a_batch_loses_nothing() -> None:
    stream = SignedStream()
    first, second = stream.seal([body(decision_id="d-1"), body(decision_id="d-2")])
    decisions = consumer(stream, FakeConsumer([first, as_error(29), second]))
    assert ids(decisions.poll(1)) == ["d-1"]
    with pytest.raises(UnavailableError):
        decisions.poll(1)
    assert ids(decisions.poll(1)) == ["d-2"]


def test_an_interrupt_loses_nothing() -> None:
    stream = SignedStream()
    batch = stream.seal([body(decision_id=f"d-{n}") for n in range(3)])
    interrupted = [KeyboardInterrupt()]

    def decode(value: bytes) -> SignedDecision:
        if value == batch[1].value and interrupted:
            raise interrupted.pop()
        return stream.decode(value)

    reader = DecisionReader(Verifier(trust()), decode)
    decisions = VerifyingDecisionConsumer(FakeConsumer(batch), reader, ReleaseGuard(trust()))
    with pytest.raises(KeyboardInterrupt):
        decisions.poll(1)
    assert ids(decisions.poll(1)) == ["d-0", "d-1", "d-2"]


def test_a_position_that_was_deleted_is_told_until_somebody_acts() -> None:
    stream = SignedStream()
    batch = stream.seal([body()])
    decisions = consumer(stream, FakeConsumer([as_error(NO_SUCH_OFFSET), *batch]))
    for _ in range(2):
        with pytest.raises(PositionLostError, match=r"aegis\.decisions\[0\].*reset-offsets"):
            decisions.poll(1)


def test_what_is_revoked_is_left_to_whoever_gets_it() -> None:
    stream = SignedStream()
    first, second = stream.seal([body(decision_id="d-1"), body(decision_id="d-2")])
    mine, theirs = first._replace(partition=1), second._replace(partition=0)
    kafka = FakeConsumer([theirs, mine, as_error(29), theirs, mine])
    decisions = consumer(stream, kafka)
    decisions.poll(1)
    decisions._revoked(kafka, [TopicPartition("aegis.decisions", 0)])  # type: ignore[arg-type]  # it is not looked at
    decisions.commit()
    assert kafka.committed == [{1: 1}]
    (found,) = decisions.poll(1)
    assert isinstance(found, RefusedDecision)
    assert (found.partition, found.finding) == (1, DecisionFault.OLDER_THAN_SEEN)
