"""Whatever bytes come, a decoder answers with a record or one of its own errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aegis_codecs.errors import CodecError, DecodeError
from aegis_codecs.records import bodies, schemas, types
from aegis_codecs.records.codec import codec_for
from aegis_codecs.records.errors import ProposalDecodeError, SchemaError, SchemaNotCachedError
from aegis_codecs.records.proposals import (
    JSON_CONTENT_TYPE,
    ProposalDecoder,
    ProposalEncoder,
    content_sha256,
    to_json,
    validate_record,
)
from aegis_codecs.records.wire import SchemaCache, WriterSchema
from support.avro_records import proposal, values

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = SchemaCache()
CACHE.put(1, schemas.source("ProposalSubmitted"))
AVRO = ProposalEncoder(1).encode(proposal(drift_baseline_data=[0.5] * 3))
JSON = to_json(proposal()).encode()
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    """A valid record with a few bytes changed, dropped or put in."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        inserted = draw(st.binary(max_size=3) | st.sampled_from(TOKENS))
        data[place : place + draw(st.integers(0, 3))] = inserted
    return bytes(data)


TOKENS = [
    b"\xff" * 10,
    b"\x80" * 9 + b"\x01",
    b"\x01",
    b"\x7f",
    b"{",
    b'"',
    b"[",
    b"\\ud800",
    b"1e999",
]


Answer = TypeVar("Answer")


def attempt(call: Callable[[], Answer]) -> Answer | CodecError:
    """The result of a call, or the one kind of error it may raise."""
    try:
        return call()
    except CodecError as error:
        return error


def answers(value: bytes, content_type: str | None) -> None:
    found = attempt(lambda: ProposalDecoder(CACHE).decode(value, content_type))
    if isinstance(found, dict):
        assert list(found) == list(proposal())
        fault = validate_record(found)
        assert fault is None or fault.allowed
        assert len(content_sha256(found)) == 32
    elif isinstance(found, SchemaNotCachedError):
        assert 0 <= found.schema_id < 2**31
    else:
        assert isinstance(found, ProposalDecodeError)
        assert found.reason in {"undecodable", "schema_unknown", "record_too_large"}
        assert found.detail.isascii()
        assert 0 < len(found.detail) <= 1024


@QUICK
@given(st.binary(max_size=200))
def test_random_bytes_as_a_proposal(value: bytes) -> None:
    answers(value, None)
    answers(b"\0\0\0\0\1" + value, None)
    answers(value, JSON_CONTENT_TYPE)


@QUICK
@given(mutations(AVRO))
def test_mutated_avro(value: bytes) -> None:
    answers(value, None)


@QUICK
@given(mutations(JSON))
def test_mutated_json(value: bytes) -> None:
    answers(value, JSON_CONTENT_TYPE)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


@QUICK
@given(st.sampled_from(list(proposal())), TREES)
def test_any_value_in_any_field(name: str, value: object) -> None:
    answers(json.dumps(proposal(**{name: value})).encode(), JSON_CONTENT_TYPE)


@pytest.mark.parametrize("kind", schemas.BODIES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_mutated_bodies(kind: str, data: st.DataObject) -> None:
    body = bodies.encode(kind, data.draw(values(schemas.tree(kind))))
    mutated = data.draw(mutations(body))
    found = attempt(lambda: bodies.decode(mutated))
    if isinstance(found, bodies.LeafBody):
        assert list(found.fields) == [field.name for field in schemas.tree(found.kind).fields]
    else:
        assert isinstance(found, DecodeError)
        assert found.reason in {"undecodable", "unknown_fingerprint"}


@pytest.mark.parametrize("name", schemas.RECORDS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(value=st.binary(max_size=120))
def test_random_bytes_as_any_record(name: str, value: bytes) -> None:
    found = attempt(lambda: codec_for(name).decode(value))
    if isinstance(found, dict):
        assert list(found) == [field.name for field in schemas.tree(name).fields]
    else:
        assert isinstance(found, DecodeError)
        assert found.reason == "undecodable"


@QUICK
@given(mutations(schemas.source("Checkpoint").encode()))
def test_mutated_schemas(text: bytes) -> None:
    cache = SchemaCache()
    cache.put(1, text.decode("latin-1"))
    found = attempt(lambda: cache.get(1))
    assert isinstance(found, WriterSchema) or (
        isinstance(found, DecodeError) and found.reason == "schema_unknown"
    )


@QUICK
@given(TREES)
def test_any_json_as_a_schema(tree: object) -> None:
    text = json.dumps(tree)
    assert isinstance(attempt(lambda: schemas.parse(text)), types.Record | SchemaError)
    assert isinstance(attempt(lambda: schemas.canonical_form(text)), str | SchemaError)
    parsed = attempt(lambda: schemas.parsed(text))
    assert not isinstance(parsed, CodecError) or isinstance(parsed, SchemaError)
