from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import bodies, schemas
from aegis_codecs.records.codec import codec_for
from aegis_codecs.records.errors import EncodeError, SchemaError, UnknownFingerprintError
from support.avro_records import values

REPEATED = {
    "cause_topic": "aegis.proposals",
    "cause_partition": 1,
    "cause_offset": 70,
    "cause_timestamp": 1_763_900_000_000,
    "cause_sha256": bytes(range(32)),
    "ordinal": 0,
    "leaf_time": 1_763_900_000_001,
    "agent_id": "agent-1",
    "proposal_id": "p-1",
    "content_sha256": bytes(32),
    "first_decision_id": "d-1",
    "effective_decision_id": "d-2",
}


@pytest.mark.parametrize("kind", schemas.BODIES)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_bodies_come_back(kind: str, data: st.DataObject) -> None:
    fields = data.draw(values(schemas.tree(kind)))
    assert bodies.decode(bodies.encode(kind, fields)) == bodies.LeafBody(kind, fields)


def test_a_body_says_what_it_is() -> None:
    body = bodies.encode("ProposalRepeated", REPEATED)
    canonical = schemas.canonical("ProposalRepeated")
    assert body[:2] == bytes.fromhex("c301")
    assert body[2:10] == schemas.fingerprint(canonical)
    assert body[10:] == codec_for("ProposalRepeated").encode(REPEATED)
    assert "doc" not in json.loads(canonical)


def test_the_bytes_of_a_body_stay_what_they_are() -> None:
    assert bodies.encode("ProposalRepeated", REPEATED).hex() == (
        "c301" + FINGERPRINT + "1e61656769732e70726f706f73616c73"  # marker, schema, cause_topic
        "028c01" + "809c908ad666" + bytes(range(32)).hex()  # partition, offset, timestamp, hash
        + "00829c908ad666" + "0e6167656e742d31" + "06702d31"  # ordinal, leaf_time, agent, proposal
        + bytes(32).hex() + "06642d31" + "06642d32"  # content hash, decisions
    )  # fmt: skip


FINGERPRINT = "ae5680f000d88ed7"


def test_every_kind_has_a_fingerprint_of_its_own() -> None:
    assert len({bodies.prefix(kind) for kind in schemas.BODIES}) == len(schemas.BODIES)


def test_unknown_fingerprint() -> None:
    with pytest.raises(UnknownFingerprintError, match="0102030405060708") as caught:
        bodies.decode(bytes.fromhex("c3010102030405060708") + b"anything")
    assert caught.value.reason == "unknown_fingerprint"
    assert isinstance(caught.value, DecodeError)


@pytest.mark.parametrize("data", [b"", b"\xc3", b"\xc3\x01\0\0", b"\xc3\x02" + bytes(8), b"{}"])
def test_what_is_no_single_object(data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        bodies.decode(data)
    assert caught.value.reason == "undecodable"


def test_a_record_that_is_no_leaf_cannot_be_one() -> None:
    body = bodies.MARKER + schemas.fingerprint(schemas.canonical("Checkpoint")) + b"\0\0\0\0"
    with pytest.raises(UnknownFingerprintError):
        bodies.decode(body)


def test_a_body_has_a_largest_size() -> None:
    with pytest.raises(EncodeError, match="exceed the limit of 65535"):
        bodies.encode("ProposalRepeated", {**REPEATED, "agent_id": "a" * 70_000})


def test_unknown_kind() -> None:
    with pytest.raises(SchemaError):
        bodies.encode("Nothing", {})


def test_bodies_of_former_versions_stay_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    former = json.loads(schemas.source("KeyAnnounced"))
    former["fields"].append({"name": "note", "type": "string", "default": "", "doc": "Dropped."})
    text = json.dumps(former)
    monkeypatch.setattr(schemas, "history", lambda kind: [text] if kind == "KeyAnnounced" else [])
    bodies._decoders.cache_clear()
    try:
        fields = {
            "leaf_time": 1,
            "log": "l",
            "purpose": "checkpoint",
            "state": "active",
            "vkeys": [],
        }
        start = bodies.MARKER + schemas.fingerprint(schemas.canonical_form(text))
        body = start + codec_for("KeyAnnounced").encode(fields) + b"\x06old"
        assert bodies.decode(body) == bodies.LeafBody("KeyAnnounced", fields)
    finally:
        bodies._decoders.cache_clear()
