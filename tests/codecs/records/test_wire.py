from __future__ import annotations

import json
from typing import Any

import pytest

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import audit, schemas
from aegis_codecs.records.codec import codec_for
from aegis_codecs.records.errors import SchemaNotCachedError
from aegis_codecs.records.wire import (
    FOREIGN,
    UNSUPPORTED,
    SchemaCache,
    WireDecoder,
    WireEncoder,
    header,
    schema_id,
)
from support.avro_records import proposal

PROPOSAL = schemas.source("ProposalSubmitted")


def changed(**fields: dict[str, Any] | None) -> str:
    """The schema of a proposal with fields added, or dropped where None is given."""
    schema = json.loads(PROPOSAL)
    schema["fields"] = [f for f in schema["fields"] if fields.get(f["name"], "") is not None]
    schema["fields"] += [{"name": name, **kind} for name, kind in fields.items() if kind]
    return json.dumps(schema)


def decoder(**texts: str) -> WireDecoder[dict[str, Any]]:
    cache = SchemaCache()
    for name, text in texts.items():
        cache.put(int(name[1:]), text)
    return WireDecoder(codec_for("ProposalSubmitted"), cache)


def test_frame_is_a_zero_byte_and_the_id() -> None:
    assert header(258) == b"\x00\x00\x00\x01\x02"
    assert schema_id(header(2**32 - 1) + b"rest") == 2**32 - 1
    value = WireEncoder(codec_for("ProposalSubmitted"), 258).encode(proposal())
    assert value == header(258) + codec_for("ProposalSubmitted").encode(proposal())


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\0\0\1", b"\1\0\0\0\1abc", b'{"a": 1}'])
def test_values_without_a_frame(value: bytes) -> None:
    with pytest.raises(DecodeError, match="Confluent wire format") as caught:
        decoder(i1=PROPOSAL).decode(value)
    assert caught.value.reason == "undecodable"


def test_pinned_schema() -> None:
    value = WireEncoder(codec_for("ProposalSubmitted"), 7).encode(proposal())
    assert decoder(i7=PROPOSAL).decode(value) == proposal()


def test_missing_schema_is_asked_for_and_then_used() -> None:
    cache = SchemaCache()
    wire = WireDecoder(codec_for("ProposalSubmitted"), cache)
    value = WireEncoder(codec_for("ProposalSubmitted"), 7).encode(proposal())
    with pytest.raises(SchemaNotCachedError) as caught:
        wire.decode(value)
    assert caught.value.schema_id == 7
    cache.put(7, PROPOSAL)
    assert wire.decode(value) == proposal()


def test_unknown_schema_is_refused_until_it_is_forgotten() -> None:
    cache = SchemaCache()
    wire = WireDecoder(codec_for("ProposalSubmitted"), cache)
    cache.put_unknown(7)
    with pytest.raises(DecodeError, match="schema id 7: the registry has none") as caught:
        wire.decode(header(7) + b"x")
    assert caught.value.reason == "schema_unknown"
    cache.forget_unknown()
    with pytest.raises(SchemaNotCachedError):
        wire.decode(header(7) + b"x")


@pytest.mark.parametrize("number", [2**31, 2**32 - 1])
def test_ids_that_are_never_given_out_are_refused_at_once(number: int) -> None:
    with pytest.raises(DecodeError, match=f"schema id {number}: ids end at 2147483647") as caught:
        decoder(i1=PROPOSAL).decode(header(number) + b"x")
    assert caught.value.reason == "schema_unknown"


@pytest.mark.parametrize(
    "text",
    [
        '"string"',
        "not a schema",
        schemas.source("AuditEntry"),
        changed(risk_proposed=None),
        changed(other={"type": {"type": "array", "items": "null"}}),
        changed(other={"type": ["null", "ProposalSubmitted"]}),
    ],
    ids=["string", "nonsense", "another record", "gate input missing", "no width", "recursive"],
)
def test_schemas_that_are_not_those_of_a_proposal(text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoder(i7=text).decode(header(7) + codec_for("ProposalSubmitted").encode(proposal()))
    assert caught.value.reason == "schema_unknown"


UNFIT: dict[str, tuple[str, str]] = {
    "no JSON": ("not a schema", UNSUPPORTED),
    "no Avro": (changed(other={"type": "nothing"}), UNSUPPORTED),
    "recursive": (changed(other={"type": ["null", "ProposalSubmitted"]}), UNSUPPORTED),
    "of another record": ('{"type": "record", "name": "R\u00e4", "fields": []}', FOREIGN),
}


@pytest.mark.parametrize(("text", "why"), UNFIT.values(), ids=UNFIT)
def test_the_detail_holds_our_words_alone(text: str, why: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoder(i7=text).decode(header(7) + b"x")
    assert caught.value.detail == (
        f"schema id 7: {why}; use the id of a registered schema of this record"
    )


def test_the_log_says_what_is_not_supported(caplog: pytest.LogCaptureFixture) -> None:
    decoder(i7="not a schema")
    assert "id 7 is not supported: the schema is not JSON: Expecting value" in caplog.text


def test_names_of_another_schema_leave_the_detail_short_and_plain() -> None:
    phase = {"name": "phase", "type": {"type": "enum", "name": "\ud800" * 70_000, "symbols": ["A"]}}
    schema = json.loads(PROPOSAL)
    schema["fields"] = [phase if f["name"] == "phase" else f for f in schema["fields"]]
    with pytest.raises(DecodeError) as caught:
        decoder(i7=json.dumps(schema, ensure_ascii=False)).decode(header(7) + b"x")
    assert "as ProposalSubmitted: phase: enum \\ud800\\ud800" in caught.value.detail
    assert len(caught.value.detail.encode("ascii")) < 400


def test_what_a_newer_schema_adds_is_dropped() -> None:
    text = changed(region={"type": "string", "default": ""})
    value = header(9) + codec_for("ProposalSubmitted").encode(proposal()) + b"\x06abc"
    assert decoder(i9=text).decode(value) == proposal()


def test_what_another_schema_lacks_takes_its_default() -> None:
    text = changed(metadata=None)
    value = header(9) + codec_for("ProposalSubmitted").encode(proposal(metadata={}))[:-1]
    assert decoder(i9=text).decode(value) == proposal(metadata={})


def test_rows_of_another_version_keep_their_order() -> None:
    schema = json.loads(schemas.source("AuditEntry"))
    schema["fields"].insert(0, {"name": "first", "type": "boolean", "default": False})
    cache = SchemaCache()
    cache.put(3, json.dumps(schema))
    entry = audit.AuditEntry(
        "l", 1, bytes(32), b"\1" * 32, b"\2" * 32, b"body", "KeyAnnounced", 9, None, None, None,
        "active", None,
    )  # fmt: skip
    value = header(3) + b"\1" + audit.codec().encode(entry)
    assert WireDecoder(audit.codec(), cache).decode(value) == entry


def test_cache_is_bounded() -> None:
    cache = SchemaCache(max_schemas=2, max_unknown=2)
    for number in (1, 2, 3):
        cache.put(number, PROPOSAL)
        cache.put_unknown(number + 10)
    with pytest.raises(SchemaNotCachedError):
        cache.get(1)
    with pytest.raises(SchemaNotCachedError):
        cache.get(11)
    assert cache.get(3).canonical == schemas.canonical("ProposalSubmitted")


def test_ids_of_which_nothing_is_known() -> None:
    cache = SchemaCache()
    cache.put(1, PROPOSAL)
    cache.put_unknown(2)
    named = [header(number) + b"x" for number in (5, 2, 1, 3, 5, 2**31, 2**32 - 1, 2**31 - 1)]
    assert cache.missing([None, b"", b"\0\0\0\0", b'{"id": 4}', header(9), *named]) == [
        3,
        5,
        9,
        2**31 - 1,
    ]
    cache.forget_unknown()
    assert cache.missing(named) == [2, 3, 5, 2**31 - 1]


def test_a_batch_of_unknown_ids_fits() -> None:
    cache = SchemaCache()
    ids = range(1, 5_001)
    for number in ids:
        cache.put_unknown(number)
    assert cache.missing(header(number) for number in ids) == []
