"""A demo waits for every answer, reads the past for repeats, and says when nothing comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from aegis_codecs.records import bodies
from aegis_codecs.records.proposals import from_json, to_json
from aegis_codecs.verifier import Verifier
from aegis_streams.client import demo
from aegis_streams.client.decisions import DecisionReader, VerifiedDecision
from aegis_streams.client.demo import Demo
from aegis_streams.client.feed import OutcomeFeed
from aegis_streams.client.kafka import PARTITION_EOF, Record
from aegis_streams.client.outcomes import OutcomeTracker
from aegis_streams.client.producer import ProposalProducer
from aegis_streams.errors import UnavailableError
from aegis_streams.sources import EdgeCase
from support.decisions import SignedStream, as_error, as_message, audit_entries, body, proposal
from support.logs import trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import KafkaError, Message, TopicPartition

    from aegis_codecs.records.audit import AuditEntry

END = as_error(PARTITION_EOF)


class Stream:
    """Both sides of a stream in memory: a record sent is answered at one of the next reads."""

    def __init__(self, *, answers: bool = True) -> None:
        self.signed = SignedStream()
        self.answers = answers
        self.past: list[Record] = []
        self.arrived: list[Record] = []
        self.entries: list[AuditEntry] = []
        self.offset = 0
        self.time = 0.0
        self._reports: list[tuple[Callable[[KafkaError | None, Message], None], Record]] = []

    def produce(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        *,
        headers: list[tuple[str, str | bytes | None]],
        on_delivery: Callable[[KafkaError | None, Message], None],
    ) -> None:
        record = Record(topic, 0, self.offset, key, value)
        self.offset += 1
        self._reports.append((on_delivery, record))
        if self.answers:
            self._answer(record, headers)

    def poll(self, timeout: float) -> int:
        self.time += timeout
        for report, record in self._reports:
            report(None, as_message(record))
        self._reports.clear()
        return 0

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        self.time += timeout
        if self.past:
            return [as_message(self.past.pop(0))]
        if self.arrived:
            count = min(num_messages, 2, len(self.arrived))
            return [as_message(self.arrived.pop(0)) for _ in range(count)]
        return [END]

    def commit(
        self, *, offsets: list[TopicPartition], asynchronous: Literal[False]
    ) -> list[TopicPartition]:
        raise AssertionError(offsets, asynchronous)

    def close(self) -> None:
        self.arrived.clear()

    def decode_entry(self, value: bytes) -> AuditEntry:
        return self.entries[int(value)]

    def _answer(self, record: Record, headers: list[tuple[str, str | bytes | None]]) -> None:
        about = from_json(record.value or b"") if headers else proposal()
        made = body(about, decision_id=f"d-{record.offset}", cause_offset=record.offset)
        if about["proposal_id"] == "old":
            made = bodies.encode("ProposalRepeated", repeat_fields(about, record.offset))
        (entry,) = audit_entries([made])
        self.entries.append(entry)
        number = str(len(self.entries) - 1).encode()
        self.arrived.append(Record("aegis.audit", 0, len(self.entries), None, number))
        self.arrived += self.signed.seal([made])


def repeat_fields(about: dict[str, Any], offset: int) -> dict[str, Any]:
    fields = bodies.decode(body(about, cause_offset=offset)).fields
    kept = ("agent_id", "proposal_id", "content_sha256", "ordinal", "leaf_time")
    return {
        **{name: fields[name] for name in fields if name.startswith("cause_") or name in kept},
        "first_decision_id": "d-old",
        "effective_decision_id": "d-old",
    }


def case(name: str, expect: str, proposal_id: str) -> EdgeCase:
    value = to_json(proposal(proposal_id=proposal_id)).encode()
    return EdgeCase(name, expect, proposal_id, "agent-1", value)


def demonstrate(stream: Stream, past: Sequence[VerifiedDecision] = ()) -> tuple[Demo, list[str]]:
    tracker = OutcomeTracker()
    reader = DecisionReader(Verifier(trust()), stream.signed.decode)
    feed = OutcomeFeed(stream, reader, stream.decode_entry, tracker, 1)
    producer = ProposalProducer(stream, lambda _: b"avro", on_delivered=tracker.sent)
    told: list[str] = []

    def find(wanted: Mapping[str, int]) -> list[VerifiedDecision]:
        return [each for each in past if wanted.get(each.decision_id) == 0]

    running = Demo(
        producer, feed, tracker, past=find, progress=told.append, clock=lambda: stream.time
    )
    return running, told


def test_every_proposal_is_answered_and_compared_with_what_was_expected() -> None:
    stream = Stream()
    running, told = demonstrate(stream)
    result = running.run(
        [proposal()],
        [
            case("right", "proceed all_gates_passed", "e-1"),
            case("wrong", "halt gate_failed", "e-2"),
        ],
    )
    (change,) = result.changes
    assert (change.title, change.result, change.as_expected) == (
        "Raise the limit",
        "proceed all_gates_passed",
        True,
    )
    assert [answer.as_expected for answer in result.cases] == [True, False]
    assert result.refused == []
    assert told[-1].endswith("of 3 proposals answered")


def test_a_repeat_is_shown_with_the_decision_of_the_past() -> None:
    stream = Stream()
    stream.past = stream.signed.seal([body(decision_id="d-old", status="halt")])
    running, _ = demonstrate(stream)
    (answer,) = running.run([], [case("again", "repeated", "old")]).cases
    assert answer.result == "repeated"
    assert answer.outcome.decision is not None
    assert answer.outcome.decision.status == "halt"


def test_a_repeat_whose_decision_is_out_of_sight_is_still_answered() -> None:
    running, _ = demonstrate(Stream())
    (answer,) = running.run([], [case("again", "repeated", "old")]).cases
    assert answer.result == "repeated"
    assert (answer.outcome.decision_id, answer.outcome.decision) == ("d-old", None)


def test_a_repeat_whose_decision_lies_long_ago_is_verified_too() -> None:
    stream = Stream()
    (record,) = stream.signed.seal([body(decision_id="d-old", status="halt")])
    found = DecisionReader(Verifier(trust()), stream.signed.decode).read(record)
    assert isinstance(found, VerifiedDecision)
    running, told = demonstrate(stream, [found])
    (answer,) = running.run([], [case("again", "repeated", "old")]).cases
    assert answer.outcome.decision is found
    assert told[-1] == "looking for 1 decisions of long ago"


def test_a_decision_that_lies_is_reported() -> None:
    stream = Stream()
    (genuine,) = stream.signed.seal([body(decision_id="d-old")])
    stream.past = [stream.signed.forge(genuine, {"status": "halt"})]
    running, _ = demonstrate(stream)
    result = running.run([], [case("right", "proceed all_gates_passed", "e-1")])
    assert [refused.finding for refused in result.refused] == ["copies_differ"]


def test_silence_ends_with_an_error_that_says_where_to_look() -> None:
    stream = Stream(answers=False)
    running, _ = demonstrate(stream)
    with pytest.raises(UnavailableError, match=r"1 of 1 proposals have no decision.*aegis status"):
        running.run([proposal()], [])
    assert stream.time > demo.QUIET_SECONDS
