"""Nothing comes out as verified that was tampered with, and every lie gets its own finding."""

from __future__ import annotations

import pytest

from aegis_codecs.errors import DecodeError, Finding
from aegis_codecs.records import bodies
from aegis_codecs.verifier import Verifier
from aegis_streams.client.decisions import Cause, DecisionReader, RefusedDecision, VerifiedDecision
from aegis_streams.client.errors import DecisionFault
from aegis_streams.client.kafka import Record
from aegis_streams.names import DECISIONS
from support.decisions import SignedStream, body, cause, envelope
from support.logs import SampleLog, log_keys, trust


@pytest.fixture
def stream() -> SignedStream:
    return SignedStream()


@pytest.fixture
def reader(stream: SignedStream) -> DecisionReader:
    return DecisionReader(Verifier(trust()), stream.decode)


def finding(reader: DecisionReader, record: Record) -> str:
    found = reader.read(record)
    assert isinstance(found, RefusedDecision)
    assert (found.topic, found.partition, found.offset) == record[:3]
    assert found.message
    return found.finding


def test_a_genuine_decision_is_handed_out(stream: SignedStream, reader: DecisionReader) -> None:
    first, second = stream.seal([body(), body(decision_id="d-2", status="halt", agent_id="a-2")])
    found = reader.read(second)
    assert isinstance(found, VerifiedDecision)
    assert isinstance(reader.read(first), VerifiedDecision)
    assert (found.decision_id, found.status, found.agent_id) == ("d-2", "halt", "a-2")
    assert (found.proposal_id, found.reason) == ("p-1", "all_gates_passed")
    assert found.cause == Cause("aegis.proposals", 0, 7)
    assert (found.leaf.origin, found.leaf.index, found.leaf.size) == ("aegis/local/1/0", 1, 2)


def test_body_swapped(stream: SignedStream, reader: DecisionReader) -> None:
    halted, other = stream.seal([body(status="halt"), body(decision_id="d-2")])
    swapped = stream.forge(halted, {"body": stream.decode(other.value or b"").body})
    assert finding(reader, swapped) == Finding.ROOT_MISMATCH


def test_one_bit_of_the_body_flipped(stream: SignedStream, reader: DecisionReader) -> None:
    (genuine,) = stream.seal([body()])
    made = bytearray(body())
    made[-1] ^= 1
    assert finding(reader, stream.forge(genuine, {"body": bytes(made)})) == Finding.ROOT_MISMATCH


def test_signed_by_somebody_else(reader: DecisionReader, stream: SignedStream) -> None:
    stranger = SampleLog(keys=log_keys("stranger"))
    (receipt,) = stranger.append([body()], inside=False)
    record = stream.record(envelope(body(), receipt))
    assert finding(reader, record) == Finding.SIGNATURE_MISSING


def test_log_that_nobody_told_us_of(reader: DecisionReader, stream: SignedStream) -> None:
    (receipt,) = SampleLog(origin="aegis/elsewhere/1/0").append([body()], inside=False)
    assert finding(reader, stream.record(envelope(body(), receipt))) == Finding.UNKNOWN_ORIGIN


def test_receipt_that_is_none(stream: SignedStream, reader: DecisionReader) -> None:
    record = stream.record(envelope(body(), b"believe me"))
    assert finding(reader, record) == Finding.MALFORMED_RECEIPT


@pytest.mark.parametrize("copy", ["decision_id", "proposal_id", "agent_id", "status"])
def test_a_copy_that_differs_is_no_trusted_copy(
    stream: SignedStream, reader: DecisionReader, copy: str
) -> None:
    (genuine,) = stream.seal([body(status="halt")])
    forged = stream.forge(genuine, {copy: "proceed"})
    assert finding(reader, forged) == DecisionFault.COPIES_DIFFER


@pytest.mark.parametrize("key", [b"agent-2", b""])
def test_a_key_that_differs(stream: SignedStream, reader: DecisionReader, key: bytes) -> None:
    (genuine,) = stream.seal([body()])
    assert finding(reader, genuine._replace(key=key)) == DecisionFault.COPIES_DIFFER
    assert finding(reader, genuine._replace(key=None)) == DecisionFault.COPIES_DIFFER


def test_genuine_leaf_that_is_no_decision(stream: SignedStream, reader: DecisionReader) -> None:
    rejected = bodies.encode(
        "InputRejected",
        {
            **cause(9),
            "reason": "undecodable",
            "detail": "",
            "agent_id": "",
            "proposal_id": "",
            "value_length": 0,
        },
    )
    (receipt,) = stream.log.append([rejected], inside=False)
    record = stream.record(envelope(rejected, receipt))
    assert finding(reader, record) == DecisionFault.NOT_A_DECISION


def test_genuine_leaf_that_is_unreadable(stream: SignedStream, reader: DecisionReader) -> None:
    (receipt,) = stream.log.append([b"no Avro"], inside=False)
    record = stream.record(envelope(b"no Avro", receipt))
    assert finding(reader, record) == DecisionFault.NOT_A_DECISION


def test_record_that_is_no_envelope() -> None:
    def decode(_: bytes) -> None:
        raise DecodeError("undecodable", "too short")

    reader = DecisionReader(Verifier(trust()), decode)  # type: ignore[arg-type]  # never returns
    assert finding(reader, Record(DECISIONS, 0, 4, None, None)) == DecisionFault.UNREADABLE
