"""The schema files, and what the registry says about the ids that stand before each record.

The files are the truth. A registry that gives another schema for an id is reported, and the record
is read by the file all the same: what lies on the topics is bytes, whatever a registry says.
"""

from __future__ import annotations

import io
import json
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import fingerprint, to_parsing_canonical_form

from aegis_streams.fsck.errors import CannotCheckError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    Schema = dict[str, Any]

BODIES: Final = (
    "DecisionMade",
    "InputRejected",
    "ProposalRepeated",
    "OverrideChanged",
    "DriftChanged",
    "ParametersActivated",
    "EpochOpened",
    "KeyAnnounced",
)
MARKER: Final = b"\xc3\x01"
PREFIX: Final = 10
"""Bytes before the record in a leaf body: marker and fingerprint."""
HEADER: Final = 5
"""Bytes before a record on a topic: zero and schema id."""
ANSWER_SECONDS: Final = 10.0


class UnreadableError(ValueError):
    """Bytes are not the record they should be."""


@cache
def body_schemas() -> dict[bytes, tuple[str, Schema]]:
    """Return record name and schema of every version of every leaf body, by its first bytes."""
    return {
        MARKER + _fingerprint(schema): (name, _ready(schema))
        for name in BODIES
        for schema in _versions(name)
    }


@cache
def body_prefix(name: str) -> bytes:
    """Return the first bytes of a leaf body in the present version of its schema."""
    return MARKER + _fingerprint(next(_versions(name)))


@cache
def resolved_bodies() -> dict[bytes, tuple[str, object]]:
    """Return record name and type of every version of every leaf body, by its fingerprint.

    Types are written as the database holds them, with names replaced by what they stand for.
    """
    return {
        _fingerprint(schema): (name, _resolved(schema, {}))
        for name in BODIES
        for schema in _versions(name)
    }


@cache
def envelope_schemas(name: str) -> dict[bytes, Schema]:
    """Return the versions of a topic's record, the present one first, by fingerprint."""
    return {_fingerprint(schema): _ready(schema) for schema in _versions(name)}


def decode(schema: Schema, data: bytes, start: int) -> dict[str, Any]:
    """Decode a record that fills `data` from `start` on.

    Raises:
        UnreadableError: It does not fit the schema, or something follows it.
    """
    stream = io.BytesIO(data)
    stream.seek(start)
    try:
        found = schemaless_reader(stream, schema, None)
    except Exception as error:
        raise UnreadableError(f"not a record of its schema ({type(error).__name__})") from error
    if not isinstance(found, dict) or stream.tell() != len(data):
        raise UnreadableError(f"{len(data) - stream.tell()} bytes follow the record")
    return found


def decode_body(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return kind and fields of a leaf body.

    Raises:
        UnreadableError: Its fingerprint is of no schema file, or it does not fit its schema.
    """
    known = body_schemas().get(body[:PREFIX])
    if known is None:
        raise UnreadableError(f"fingerprint {body[:PREFIX].hex()} is of no schema file of ours")
    return known[0], decode(known[1], body, PREFIX)


class Registry:
    """What a schema registry says of an id, in Confluent's interface.

    Args:
        url: Its address; None leaves the registry out.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._answers: dict[int, bytes | None] = {}
        self._present: dict[tuple[str, bytes], bool] = {}
        self.swapped: dict[tuple[str, int], str] = {}

    def schema(self, name: str, header: bytes) -> Schema:
        """Return the schema by which a topic's record is read, given its first bytes.

        What the registry gets wrong is added to `swapped`, by record and id.

        Raises:
            UnreadableError: There is no header.
            CannotCheckError: The registry does not answer.
        """
        if len(header) < HEADER or header[0]:
            raise UnreadableError("no wire format: a zero byte and a schema id must come first")
        versions = envelope_schemas(name)
        number = int.from_bytes(header[1:HEADER], "big")
        present = next(iter(versions.values()))
        if self._url is None:
            return present
        if number not in self._answers:
            self._answers[number] = self._ask(self._url, number)
        told = self._answers[number]
        if told is None or told not in versions:
            what = "no schema" if told is None else f"one of fingerprint {told.hex()}"
            self.swapped[name, number] = f"the registry has {what} under id {number}"
            return present
        return versions[told]

    def is_present(self, name: str, header: bytes) -> bool:
        """Tell whether records that begin so are in the present version of their schema.

        Raises:
            CannotCheckError: The registry does not answer.
        """
        known = self._present.get((name, header))
        if known is None:
            try:
                known = self.schema(name, header) is next(iter(envelope_schemas(name).values()))
            except UnreadableError:
                known = False
            self._present[name, header] = known
        return known

    def _ask(self, url: str, number: int) -> bytes | None:
        place = urlsplit(url)
        kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
        connection = kind(place.netloc, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", f"{place.path.rstrip('/')}/schemas/ids/{number}")
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            raise CannotCheckError(f"registry {url}: does not answer ({error})") from error
        finally:
            connection.close()
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            raise CannotCheckError(f"registry {url}: answers {answer.status}")
        try:
            return _fingerprint_of_answer(text)
        except UnreadableError:
            return b"(unreadable)"


def _fingerprint_of_answer(text: bytes) -> bytes:
    try:
        return _fingerprint(json.loads(json.loads(text)["schema"]))
    except Exception as error:
        raise UnreadableError("what the registry gives is no Avro schema") from error


def _folder() -> Traversable:
    return files("aegis_streams").joinpath("data", "avro")


def _versions(name: str) -> Iterator[Schema]:
    """Yield the present schema of a record, then the earlier ones."""
    yield json.loads(_folder().joinpath(f"{name}.avsc").read_text(encoding="utf-8"))
    earlier = _folder().joinpath("history")
    if earlier.is_dir():
        for file in sorted(earlier.iterdir(), key=lambda each: each.name):
            if file.name.startswith(f"{name}-"):
                yield json.loads(file.read_text(encoding="utf-8"))


def _fingerprint(schema: Schema) -> bytes:
    canonical = to_parsing_canonical_form(parse_schema(schema))
    return bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def _ready(schema: Schema) -> Schema:
    """Return a schema for reading, in which times are plain numbers."""
    ready = parse_schema(cast("Schema", _plain(schema)))
    if not isinstance(ready, dict):
        raise TypeError("not the schema of a record")
    return ready


def _resolved(schema: object, named: dict[str, object]) -> object:
    """Return a type without names; those it gives are added to `named`."""
    if isinstance(schema, list):
        return {"union": [_resolved(branch, named) for branch in schema]}
    if not isinstance(schema, dict):
        text = str(schema)
        return named.get(text.rpartition(".")[2], text)
    found: object
    match schema["type"]:
        case "record":
            fields = schema["fields"]
            found = {"record": [[each["name"], _resolved(each["type"], named)] for each in fields]}
        case "enum":
            found = {"enum": schema["symbols"]}
        case "fixed":
            found = {"fixed": schema["size"]}
        case "array":
            found = {"array": _resolved(schema["items"], named)}
        case "map":
            found = {"map": _resolved(schema["values"], named)}
        case other:
            return _resolved(other, named)
    if "name" in schema:
        named[schema["name"]] = found
    return found


def _plain(schema: object) -> object:
    if isinstance(schema, dict):
        return {name: _plain(value) for name, value in schema.items() if name != "logicalType"}
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema
