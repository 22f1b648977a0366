from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from fastavro import schemaless_reader, schemaless_writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import schemas
from aegis_codecs.records.codec import codec_for
from aegis_codecs.records.errors import EncodeError, SchemaError
from support.avro_records import proposal, values


def plainly_written(name: str, record: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    schemaless_writer(stream, schemas.parsed(schemas.source(name)), record)
    return stream.getvalue()


@pytest.mark.parametrize("name", schemas.RECORDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_bytes_are_those_of_the_plain_schema_and_come_back(name: str, data: st.DataObject) -> None:
    record = data.draw(values(schemas.tree(name)))
    encoded = codec_for(name).encode(record)
    assert encoded == plainly_written(name, record)
    assert codec_for(name).decode(encoded) == record
    assert (
        schemaless_reader(io.BytesIO(encoded), schemas.parsed(schemas.source(name)), None) == record
    )


def test_decoding_begins_where_it_is_told() -> None:
    codec = codec_for("ProposalSubmitted")
    assert codec.decode(b"12345" + codec.encode(proposal()), 5) == proposal()


def test_trailing_bytes_are_refused() -> None:
    codec = codec_for("ProposalSubmitted")
    with pytest.raises(DecodeError, match="1 bytes follow the ProposalSubmitted") as caught:
        codec.decode(codec.encode(proposal()) + b"\0")
    assert caught.value.reason == "undecodable"


def test_every_cut_is_refused() -> None:
    codec = codec_for("ProposalSubmitted")
    encoded = codec.encode(proposal())
    for length in range(len(encoded)):
        with pytest.raises(DecodeError) as caught:
            codec.decode(encoded[:length])
        assert caught.value.reason == "undecodable"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("ProposalSubmitted", {"agent_id": 5}),
        ("ProposalSubmitted", {"agent_id": None}),
        ("ProposalSubmitted", {"phase": "sleep"}),
        ("ProposalSubmitted", {"risk_baseline": "high"}),
        ("ProposalSubmitted", {"submitted_at": 2**63}),
        ("ProposalSubmitted", {"metadata": {"a": 1}}),
        ("ProposalSubmitted", {"proposal_summary": "\ud800"}),
        ("ProposalSubmitted", {"surplus": 1}),
        ("DecisionMade", {"risk_outcome": "maybe"}),
        ("DecisionMade", {"risk_value": "1"}),
        ("DecisionMade", {"risk_value": None}),
        ("DecisionMade", {"cause_sha256": b"short"}),
        ("DecisionMade", {"content_sha256": b"short"}),
        ("DecisionMade", {"status": "go"}),
        ("DecisionMade", {"surplus": 1}),
    ],
)
def test_values_that_do_not_fit_are_refused(name: str, changes: dict[str, Any]) -> None:
    record = proposal() if name == "ProposalSubmitted" else decision()
    codec_for(name).encode(record)
    with pytest.raises(EncodeError, match=name):
        codec_for(name).encode({**record, **changes})


@pytest.mark.parametrize("name", ["ProposalSubmitted", "DecisionMade"])
def test_no_field_may_be_missing_not_even_one_that_may_be_null(name: str) -> None:
    record = proposal() if name == "ProposalSubmitted" else decision()
    for field in record:
        with pytest.raises(EncodeError, match=name):
            codec_for(name).encode({key: value for key, value in record.items() if key != field})
        swapped = {key: value for key, value in record.items() if key != field} | {"other": None}
        with pytest.raises(EncodeError, match=name):
            codec_for(name).encode(swapped)


def test_unknown_record() -> None:
    with pytest.raises(SchemaError):
        codec_for("Nothing")


def test_not_a_number_keeps_its_bits() -> None:
    codec = codec_for("ProposalSubmitted")
    found = codec.decode(codec.encode(proposal(risk_baseline=float("nan"))))
    assert struct.pack("<d", found["risk_baseline"]) == struct.pack("<d", float("nan"))


def decision() -> dict[str, Any]:
    names = [field.name for field in schemas.tree("DecisionMade").fields]
    ending = {name: next((e for e in ENDINGS if name.endswith(e)), None) for name in names}
    return {name: "" if (found := ending[name]) is None else ENDINGS[found] for name in names}


ENDINGS: dict[str, Any] = {
    "sha256": bytes(32),
    "outcome": "passed",
    "value": 0.5,
    "threshold": 0.5,
    "confidence": 1.0,
    "constraints": [],
    "override_eligible": False,
    "dry_run": False,
    "drift_risk": None,
    "drift_profit": None,
    "valid_until": 5,
    "supersedes": None,
    "phase": "plan",
    "impact": "low",
    "drift_status": "normal",
    "status": "halt",
    "cause_partition": 0,
    "cause_offset": 1,
    "timestamp": 2,
    "leaf_time": 3,
    "ordinal": 0,
    "evaluator": 1,
}
