from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import pytest
from fastavro import schemaless_reader
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.records import schemas, types
from aegis_codecs.records.canonical import Canonical
from aegis_codecs.records.codec import DECODE_FAULTS, codec_for
from aegis_codecs.records.proposals import ProposalDecoder, ProposalEncoder, content_sha256
from aegis_codecs.records.wire import SchemaCache
from support.avro_records import proposal, values

CODEC = codec_for("ProposalSubmitted")
PROPOSALS = values(schemas.tree("ProposalSubmitted"))
FLAGS = ("requires_human_approval", "time_sensitive", "reversible", "shadow_mode")


def sorted_maps(record: dict[str, Any]) -> dict[str, Any]:
    record = {**record, "metadata": dict(sorted(record["metadata"].items()))}
    utility = record["utility_result"]
    if utility is not None:
        components = dict(sorted(utility["components"].items()))
        record["utility_result"] = {**utility, "components": components}
    return record


def decoder() -> ProposalDecoder:
    cache = SchemaCache()
    cache.put(1, schemas.source("ProposalSubmitted"))
    return ProposalDecoder(cache)


@given(PROPOSALS)
def test_what_the_codec_writes_is_canonical(record: dict[str, Any]) -> None:
    record = sorted_maps(record)
    assert CODEC.canonical.holds(record, CODEC.encode(record), 0)


@settings(max_examples=300)
@given(PROPOSALS, st.data())
def test_bytes_count_as_canonical_only_if_encoding_gives_them_again(
    record: dict[str, Any], data: st.DataObject
) -> None:
    encoded = bytearray(CODEC.encode(record))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(encoded) - 1))
        cut = data.draw(st.integers(0, 2))
        encoded[at : at + cut] = data.draw(st.binary(max_size=2))
    stream = BytesIO(encoded)
    try:
        decoded: Any = schemaless_reader(stream, CODEC.schema, None)
        again = CODEC.encode(sorted_maps(decoded))
    except DECODE_FAULTS:
        return
    whole = stream.tell() == len(encoded)
    if whole and CODEC.canonical.holds(decoded, bytes(encoded), 0):
        assert again == bytes(encoded)


def number(value: int) -> bytes:
    stream = BytesIO()
    folded = value << 1 if value >= 0 else ~(value << 1)
    while folded > 127:
        stream.write(bytes([folded & 127 | 128]))
        folded >>= 7
    stream.write(bytes([folded]))
    return stream.getvalue()


def subscores(*scores: float) -> bytes:
    return b"".join(struct.pack("<d", score) for score in scores)


def changed(**changes: bytes) -> tuple[dict[str, Any], bytes]:
    """A proposal's value with some fields written otherwise, and what it decodes to."""
    record = proposal(quality_subscores=[0.5, 0.75], metadata={"a": "1", "b": "2"})
    usual = {
        "quality_subscores": number(2) + subscores(0.5, 0.75) + b"\0",
        "metadata": number(2) + b"\2a\0021\2b\0022\0",
    }
    value = ProposalEncoder(1).encode(record)
    for name, data in changes.items():
        assert value.count(usual[name]) == 1
        value = value.replace(usual[name], data)
    assert decoder().decode(value) == record
    return record, value


@pytest.mark.parametrize(
    "changes",
    [
        {"quality_subscores": b"\x84\0" + subscores(0.5, 0.75) + b"\0"},
        {"quality_subscores": number(1) + subscores(0.5) + number(1) + subscores(0.75) + b"\0"},
        {"quality_subscores": number(-2) + number(16) + subscores(0.5, 0.75) + b"\0"},
        {"metadata": number(2) + b"\2b\0022\2a\0021\0"},
        {"metadata": number(3) + b"\2a\0029\2a\0021\2b\0022\0"},
        {"metadata": number(2) + b"\2a\0021\2b\x82\0002\0"},
    ],
    ids=["long_count", "two_blocks", "sized_block", "map_order", "key_twice", "long_length"],
)
def test_another_way_to_write_a_proposal_is_the_same_content(changes: dict[str, bytes]) -> None:
    record, value = changed(**changes)
    reader = decoder()
    reader.decode(value)
    assert not CODEC.canonical.holds(record, value, 5)
    assert reader.content_sha256(record, value) == content_sha256(record)


@pytest.mark.parametrize("flag", FLAGS)
def test_another_byte_for_a_flag_is_not_canonical(flag: str) -> None:
    record = proposal(**dict.fromkeys(FLAGS, False))
    plain = bytearray(CODEC.encode(record))
    raised = CODEC.encode({**record, flag: True})
    at = next(n for n, (a, b) in enumerate(zip(plain, raised, strict=True)) if a != b)
    plain[at] = 2
    decoded: Any = schemaless_reader(BytesIO(plain), CODEC.schema, None)
    assert not CODEC.canonical.holds(decoded, bytes(plain), 0)


@given(PROPOSALS)
def test_content_hash_does_not_depend_on_the_way(record: dict[str, Any]) -> None:
    value = ProposalEncoder(1).encode(record)
    reader = decoder()
    decoded = reader.decode(value)
    assert reader.content_sha256(decoded, value) == content_sha256(record)


def test_before_anything_was_decoded_the_record_is_encoded() -> None:
    value = ProposalEncoder(1).encode(proposal())
    assert decoder().content_sha256(proposal(), value) == content_sha256(proposal())


@pytest.mark.parametrize(
    "kind",
    [
        types.Union((types.Primitive("string"), types.Primitive("null"))),
        types.Array(types.Primitive("boolean")),
        types.Map(types.Primitive("boolean")),
    ],
)
def test_what_cannot_be_measured_is_never_canonical(kind: types.AvroType) -> None:
    record = types.Record("r", (types.Field("f", kind),))
    given_values = {"f": {"a": True} if isinstance(kind, types.Map) else [True]}
    assert not any(Canonical(record).holds(given_values, bytes(n), 0) for n in range(8))
