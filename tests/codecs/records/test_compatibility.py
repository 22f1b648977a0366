"""No version of a schema may break another: FULL_TRANSITIVE, checked before any registry is asked.

`schemas/avro/versions.json` lists the fingerprints of each record's versions, oldest first, the
present one last. To change a schema: copy the file as it is to
`schemas/avro/history/<Record>-<fingerprint>.avsc`, change it, append the new fingerprint.
"""

from __future__ import annotations

import io
import json
from itertools import permutations
from pathlib import Path

import pytest
from fastavro import schemaless_reader, schemaless_writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aegis_codecs.records import schemas
from aegis_codecs.records.errors import SchemaError
from aegis_codecs.records.resolution import mismatch
from aegis_codecs.records.types import resolve
from support.avro_records import values

FOLDER = Path(__file__).parents[3] / "schemas" / "avro"
VERSIONS: dict[str, list[str]] = json.loads((FOLDER / "versions.json").read_text(encoding="utf-8"))


def text_of(name: str, fingerprint: str) -> str:
    if fingerprint == VERSIONS[name][-1]:
        return schemas.source(name)
    return (FOLDER / "history" / f"{name}-{fingerprint}.avsc").read_text(encoding="utf-8")


def fingerprint_of(text: str) -> str:
    return schemas.fingerprint(schemas.canonical_form(text)).hex()


def test_versions_of_every_record_are_listed() -> None:
    assert list(VERSIONS) == list(schemas.RECORDS)


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_listed_fingerprints_are_those_of_the_files(name: str) -> None:
    assert [fingerprint_of(text_of(name, listed)) for listed in VERSIONS[name]] == VERSIONS[name]


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_history_holds_the_former_versions_and_nothing_else(name: str) -> None:
    assert sorted(fingerprint_of(text) for text in schemas.history(name)) == sorted(
        VERSIONS[name][:-1]
    )


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_every_version_reads_every_other(name: str) -> None:
    trees = [schemas.parse(text_of(name, listed)) for listed in VERSIONS[name]]
    for writer, reader in permutations(trees, 2):
        assert mismatch(writer, reader) is None
    assert mismatch(trees[-1], trees[-1]) is None


def record(*fields: object, name: str = "R") -> dict[str, object]:
    return {"type": "record", "name": name, "fields": list(fields)}


def field(name: str, kind: object, **more: object) -> dict[str, object]:
    return {"name": name, "type": kind, **more}


def enum(*symbols: str) -> dict[str, object]:
    return {"type": "enum", "name": "E", "symbols": list(symbols)}


def fixed(size: int) -> dict[str, object]:
    return {"type": "fixed", "name": "F", "size": size}


A = field("a", "long")
BOTH_WAYS = {
    "field with a default added": (record(A), record(A, field("b", "long", default=7))),
    "null default": (record(A), record(A, field("b", ["null", "long"], default=None))),
    "order changed": (record(A, field("b", "string")), record(field("b", "string"), A)),
    "documentation changed": (record(A), record({**A, "doc": "other"})),
    "nested field added": (
        record(field("r", record(A, name="N"))),
        record(field("r", record(A, field("b", "string", default=""), name="N"))),
    ),
}
FORWARD_ONLY = {
    "int becomes long": (record(field("a", "int")), record(A)),
    "becomes optional": (record(A), record(field("a", ["null", "long"]))),
    "symbol added": (record(field("a", enum("x"))), record(field("a", enum("x", "y")))),
    "field without default dropped": (record(A, field("b", "long")), record(A)),
}
NEITHER = {
    "renamed field": (record(A), record(field("b", "long"))),
    "string becomes long": (record(field("a", "string")), record(A)),
    "other record": (record(A, name="R"), record(A, name="S")),
    "other width": (record(field("a", fixed(4))), record(field("a", fixed(8)))),
    "items changed": (
        record(field("a", {"type": "array", "items": "long"})),
        record(field("a", {"type": "array", "items": "string"})),
    ),
    "values changed": (
        record(field("a", {"type": "map", "values": "long"})),
        record(field("a", {"type": "map", "values": "string"})),
    ),
    "array becomes map": (
        record(field("a", {"type": "array", "items": "long"})),
        record(field("a", {"type": "map", "values": "long"})),
    ),
}


@pytest.mark.parametrize("case", BOTH_WAYS)
def test_changes_that_break_nothing(case: str) -> None:
    older, newer = (resolve(schema) for schema in BOTH_WAYS[case])
    assert (mismatch(older, newer), mismatch(newer, older)) == (None, None)


@pytest.mark.parametrize("case", FORWARD_ONLY)
def test_changes_that_break_old_readers(case: str) -> None:
    older, newer = (resolve(schema) for schema in FORWARD_ONLY[case])
    assert mismatch(older, newer) is None
    assert mismatch(newer, older) is not None


@pytest.mark.parametrize("case", NEITHER)
def test_changes_that_break_everything(case: str) -> None:
    older, newer = (resolve(schema) for schema in NEITHER[case])
    assert mismatch(older, newer) is not None
    assert mismatch(newer, older) is not None


@pytest.mark.parametrize("case", [*BOTH_WAYS, *FORWARD_ONLY])
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_called_readable_is_read_by_the_library(case: str, data: st.DataObject) -> None:
    writer, reader = {**BOTH_WAYS, **FORWARD_ONLY}[case]
    value = data.draw(values(resolve(writer)))
    stream = io.BytesIO()
    schemaless_writer(stream, writer, value)
    stream.seek(0)
    found = schemaless_reader(stream, writer, reader)
    assert isinstance(found, dict)
    assert {key: found[key] for key in found if key in value and key != "r"} == {
        key: value[key] for key in found if key in value and key != "r"
    }


def test_mismatch_names_the_place() -> None:
    inner = {"older": record(field("x", "string"), name="N"), "newer": record(A, name="N")}
    older, newer = (
        resolve(record(field("list", {"type": "array", "items": i}))) for i in inner.values()
    )
    assert mismatch(older, newer) == "list[].a: the writer has no such field, and it has no default"


RECURSIVE = record(field("next", ["null", "R"]))
EMPTY_ITEMS = record(field("a", {"type": "array", "items": "null"}))
EMPTY_RECORDS = record(field("a", {"type": "array", "items": record(name="N")}))
TWICE = record(field("a", fixed(4)), field("b", fixed(4)))
UNDEFINED = record(field("a", "Elsewhere"))
WIDTHLESS = record(field("a", fixed(0)))


@pytest.mark.parametrize(
    "schema", [RECURSIVE, EMPTY_ITEMS, EMPTY_RECORDS, TWICE, UNDEFINED, WIDTHLESS, record(7), 7]
)
def test_schemas_that_could_do_harm_are_refused(schema: object) -> None:
    with pytest.raises(SchemaError):
        resolve(schema)


def test_deep_schemas_are_refused() -> None:
    schema: object = "long"
    for _ in range(20):
        schema = {"type": "array", "items": schema}
    with pytest.raises(SchemaError, match="deeper"):
        resolve(schema)
