from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aegis_codecs.records import schemas
from aegis_codecs.records.errors import SchemaError

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "schemas" / "avro"


def test_every_record_has_a_file_and_every_file_a_record() -> None:
    assert {path.stem for path in FOLDER.glob("*.avsc")} == set(schemas.RECORDS)


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_package_carries_the_repositorys_file(name: str) -> None:
    assert schemas.source(name) == (FOLDER / f"{name}.avsc").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_everything_named_is_documented(name: str) -> None:
    assert undocumented(json.loads(schemas.source(name)), name) == []


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_file_is_in_its_one_form(name: str) -> None:
    text = schemas.source(name)
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", schemas.RECORDS)
def test_name_and_namespace(name: str) -> None:
    schema = json.loads(schemas.source(name))
    assert (schema["name"], schema["namespace"]) == (name, "aegis.v1")


def test_shared_types_are_the_same_in_every_file() -> None:
    seen: dict[str, Any] = {}
    for name in schemas.RECORDS:
        for kind in named_types(json.loads(schemas.source(name))["fields"]):
            assert seen.setdefault(kind["name"], kind) == kind
    assert {"Sha256", "Phase", "Impact", "Status", "GateOutcome"} <= set(seen)


def test_unknown_record_is_named() -> None:
    with pytest.raises(SchemaError, match="there is no record Nothing"):
        schemas.source("Nothing")


@pytest.mark.parametrize("text", ["", "{", '"string"', '{"type": "record"}', "[]", "7", "null"])
def test_text_that_is_no_record_schema(text: str) -> None:
    with pytest.raises(SchemaError):
        schemas.parse(text)


@pytest.mark.parametrize("text", ['{"type": "enum"}', '{"type": "nonsense"}', "7"])
def test_text_that_the_library_refuses(text: str) -> None:
    with pytest.raises(SchemaError, match="not an Avro schema"):
        schemas.parsed(text)


def test_logical_types_are_left_out_for_speed_and_kept_in_the_file() -> None:
    assert "timestamp-millis" in schemas.source("AuditEntry")
    assert "timestamp-millis" not in json.dumps(schemas.parsed(schemas.source("AuditEntry")))


@pytest.mark.parametrize(
    ("canonical", "published"),
    [
        ('"null"', 7195948357588979594),
        ('"boolean"', -6970731678124411036),
        ('"int"', 8247732601305521295),
        ('"long"', -3434872931120570953),
        ('"bytes"', 5746618253357095269),
        ('"string"', -8142146995180207161),
    ],
)
def test_fingerprints_of_the_avro_projects_own_test_data(canonical: str, published: int) -> None:
    assert schemas.fingerprint(canonical) == published.to_bytes(8, "little", signed=True)


def undocumented(schema: object, path: str) -> list[str]:
    found = []
    if isinstance(schema, list):
        for branch in schema:
            found += undocumented(branch, path)
    if isinstance(schema, dict):
        if "name" in schema and not schema.get("doc"):
            found.append(f"{path}.{schema['name']}")
        for key in ("fields", "type", "items", "values"):
            found += undocumented(schema.get(key), f"{path}.{schema.get('name', key)}")
    return found


def named_types(schema: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if isinstance(schema, list):
        for branch in schema:
            found += named_types(branch)
    if isinstance(schema, dict):
        if schema.get("type") in ("enum", "fixed", "record"):
            found.append(schema)
        for key in ("fields", "type", "items", "values"):
            found += named_types(schema.get(key))
    return found
