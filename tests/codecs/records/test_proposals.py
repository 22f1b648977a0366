from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aegis_codecs.records import schemas
from aegis_codecs.records.codec import codec_for
from aegis_codecs.records.errors import (
    EncodeError,
    ProposalDecodeError,
    SchemaNotCachedError,
)
from aegis_codecs.records.proposals import (
    AVRO_CONTENT_TYPE,
    JSON_CONTENT_TYPE,
    MAX_PROPOSAL,
    ProposalDecoder,
    ProposalEncoder,
    content_sha256,
    to_json,
)
from aegis_codecs.records.wire import SchemaCache, header
from support.avro_records import proposal, values


def decoder() -> ProposalDecoder:
    cache = SchemaCache()
    cache.put(1, schemas.source("ProposalSubmitted"))
    cache.put_unknown(2)
    return ProposalDecoder(cache)


VALUE = ProposalEncoder(1).encode(proposal())


@pytest.mark.parametrize(
    "content_type", [None, AVRO_CONTENT_TYPE, "Application/Vnd.Confluent.Avro"]
)
def test_avro(content_type: str | None) -> None:
    assert decoder().decode(VALUE, content_type) == proposal()


@pytest.mark.parametrize(
    "content_type", [JSON_CONTENT_TYPE, "application/json; charset=UTF-8", "APPLICATION/JSON"]
)
def test_json(content_type: str) -> None:
    assert decoder().decode(to_json(proposal()).encode(), content_type) == proposal()


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json; charset=latin-1", "application/jsonl"]
)
def test_other_content_types(content_type: str) -> None:
    with pytest.raises(ProposalDecodeError, match="content-type: ") as caught:
        decoder().decode(VALUE, content_type)
    assert caught.value.reason == "content_type_unsupported"


@pytest.mark.parametrize("content_type", [None, JSON_CONTENT_TYPE, "text/plain"])
def test_size_is_looked_at_first(content_type: str | None) -> None:
    with pytest.raises(ProposalDecodeError, match="49153 bytes, at most 49152") as caught:
        decoder().decode(b"x" * (MAX_PROPOSAL + 1), content_type)
    assert caught.value.reason == "record_too_large"


def test_largest_proposal_is_accepted() -> None:
    room = MAX_PROPOSAL - len(ProposalEncoder(1).encode(proposal(metadata={"k": "v" * 40_000})))
    record = proposal(metadata={"k": "v" * (40_000 + room)})
    value = ProposalEncoder(1).encode(record)
    assert len(value) == MAX_PROPOSAL
    assert decoder().decode(value) == record


@pytest.mark.parametrize("content_type", [None, JSON_CONTENT_TYPE])
def test_null_value(content_type: str | None) -> None:
    with pytest.raises(ProposalDecodeError, match="value: null") as caught:
        decoder().decode(None, content_type)
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (header(2) + VALUE[5:], "schema_unknown"),
        (VALUE + b"\0", "undecodable"),
        (VALUE[:-1], "undecodable"),
        (b"", "undecodable"),
        (to_json(proposal()).encode(), "undecodable"),
    ],
)
def test_refused_avro(value: bytes, reason: str) -> None:
    with pytest.raises(ProposalDecodeError) as caught:
        decoder().decode(value)
    assert caught.value.reason == reason
    assert (caught.value.proposal_id, caught.value.agent_id) == (None, None)


def test_schema_to_be_fetched() -> None:
    with pytest.raises(SchemaNotCachedError, match="id 3 "):
        decoder().decode(header(3) + VALUE[5:])


def test_encoder_refuses_what_is_no_proposal() -> None:
    with pytest.raises(EncodeError):
        ProposalEncoder(1).encode({"proposal_id": "p"})


def test_content_hash_is_that_of_the_canonical_record() -> None:
    record = proposal()
    ordered = {
        **record,
        "utility_result": {**record["utility_result"], "components": {"cost": -0.5, "saved": 1.5}},
        "metadata": {"author": "Zoë", "commit": "0a1b2c"},
    }
    expected = hashlib.sha256(codec_for("ProposalSubmitted").encode(ordered)).digest()
    assert list(record["metadata"]) != list(ordered["metadata"])
    assert content_sha256(record) == expected


def test_content_hash_stays_what_it_is() -> None:
    assert content_sha256(proposal()).hex() == CONTENT_HASH


CONTENT_HASH = "4f52052ea10d4bfa02fe0674324f5dbcb0b5ed836a397cbcef7b0e9965be7c90"


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data(), seed=st.integers())
def test_content_hash_does_not_depend_on_the_order_of_maps(data: st.DataObject, seed: int) -> None:
    record = data.draw(values(schemas.tree("ProposalSubmitted")))
    shuffled = {**record, "metadata": shuffle(record["metadata"], seed)}
    if record["utility_result"]:
        components = shuffle(record["utility_result"]["components"], seed)
        shuffled["utility_result"] = {**record["utility_result"], "components": components}
    assert content_sha256(shuffled) == content_sha256(record)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_content_hash_covers_every_field(data: st.DataObject) -> None:
    tree = schemas.tree("ProposalSubmitted")
    record = data.draw(values(tree))
    field = data.draw(st.sampled_from(tree.fields))
    other = data.draw(values(field.type))
    assume(other != record[field.name])
    assert content_sha256({**record, field.name: other}) != content_sha256(record)


def shuffle(entries: dict[str, Any], seed: int) -> dict[str, Any]:
    items = list(entries.items())
    random.Random(seed).shuffle(items)  # noqa: S311 - nothing secret about an order
    return dict(items)


def test_both_forms_have_one_content() -> None:
    from_avro = decoder().decode(VALUE)
    from_json = decoder().decode(to_json(proposal()).encode(), JSON_CONTENT_TYPE)
    assert content_sha256(from_avro) == content_sha256(from_json)
