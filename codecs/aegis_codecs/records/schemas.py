"""The schemas that come with this version, and their fingerprints.

``schemas/avro`` in the repository is the one source; the package carries the same files. Each file
is complete in itself. ``history/`` below it keeps earlier versions of a record under the name
``<Record>-<fingerprint>.avsc``: old leaf bodies must stay readable for ever, and a test compares
each schema with all its former versions.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from fastavro.schema import (
    SchemaParseException,
    UnknownType,
    parse_schema,
    to_parsing_canonical_form,
)
from fastavro.schema import fingerprint as avro_fingerprint

from aegis_codecs.records import types
from aegis_codecs.records.errors import SchemaError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

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
"""Records that are leaves of the log."""

TOPIC_RECORDS: Final = {
    "aegis.proposals": "ProposalSubmitted",
    "aegis.commands": "Command",
    "aegis.audit": "AuditEntry",
    "aegis.decisions": "SignedDecision",
    "aegis.checkpoints": "Checkpoint",
    "aegis.dead-letters": "DeadLetter",
}
"""Which record each topic carries. The order is the order of registration."""

RECORDS: Final = (*TOPIC_RECORDS.values(), *BODIES)

MAX_TEXT: Final = 1 << 18
"""Characters of a schema that are read; our longest has 11,000."""

_REFUSALS: Final = (
    SchemaParseException,
    UnknownType,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
)
"""What the library raises for a bad schema."""

Parsed: TypeAlias = "dict[str, Any]"
"""A schema as ``fastavro.schema.parse_schema`` returns it."""


@cache
def source(name: str) -> str:
    """The text of a schema, as it is registered.

    Raises:
        SchemaError: There is no record of this name.
    """
    if name not in RECORDS:
        raise SchemaError(f"there is no record {name}; there are {', '.join(RECORDS)}")
    return _folder().joinpath(f"{name}.avsc").read_text(encoding="utf-8")


def history(name: str) -> list[str]:
    """The texts of the earlier versions of a record, in the order of their file names."""
    folder = _folder().joinpath("history")
    found = folder.iterdir() if folder.is_dir() else iter(())
    chosen = (file for file in found if file.name.startswith(f"{name}-"))
    return [file.read_text(encoding="utf-8") for file in sorted(chosen, key=lambda file: file.name)]


@cache
def tree(name: str) -> types.Record:
    """The pinned schema of a record as a tree."""
    return parse(source(name))


def parsed(text: str) -> Parsed:
    """A schema ready for reading and writing, without its logical types.

    A ``timestamp-millis`` is a plain integer of milliseconds everywhere in this package: turning it
    into a ``datetime`` and back would cost more than the rest of a record.

    Raises:
        SchemaError: The text is not an Avro schema.
    """
    loaded = _load(text)
    try:
        return parse_avro(_without_logical_types(loaded))
    except RecursionError as error:
        raise SchemaError("the schema nests too deeply") from error


@cache
def canonical(name: str) -> str:
    """The pinned schema of a record in Avro's parsing canonical form."""
    return canonical_form(source(name))


def parse(text: str) -> types.Record:
    """Build the tree of a record's schema from its JSON text.

    Raises:
        SchemaError: The text is not the schema of a record, or of one that is not supported.
    """
    found = types.resolve(_load(text))
    if not isinstance(found, types.Record):
        raise SchemaError("the schema is not that of a record")
    return found


def canonical_form(text: str) -> str:
    """Avro's parsing canonical form of a schema: what decides how bytes are read, and no more.

    Raises:
        SchemaError: The text is not an Avro schema.
    """
    return str(to_parsing_canonical_form(parse_avro(_load(text))))


def parse_avro(schema: object) -> Parsed:
    """Have the library prepare a schema in its JSON form.

    Raises:
        SchemaError: It is not an Avro schema.
    """
    try:
        return cast("Parsed", parse_schema(cast("Any", schema)))
    except _REFUSALS as error:
        raise SchemaError(f"not an Avro schema: {type(error).__name__}: {error}") from error


def fingerprint(canonical: str) -> bytes:
    """CRC-64-AVRO of a canonical form, as single-object encoding writes it: 8 bytes, low first."""
    return bytes.fromhex(avro_fingerprint(canonical, "CRC-64-AVRO"))


def _folder() -> Traversable:
    return files("aegis_codecs").joinpath("data", "avro")


def _load(text: str) -> object:
    if len(text) > MAX_TEXT:
        raise SchemaError(f"the schema has {len(text)} characters, at most {MAX_TEXT} are read")
    try:
        return _interned(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"the schema is not JSON: {error}") from error


def _interned(schema: object) -> object:
    """The same with one object per text, as Python has for names in code.

    The library and we look up every field by its name; equal objects are found without comparing
    characters.
    """
    if isinstance(schema, dict):
        return {_interned(key): _interned(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_interned(item) for item in schema]
    return sys.intern(schema) if type(schema) is str else schema


def _without_logical_types(schema: object) -> object:
    if isinstance(schema, dict):
        return {
            key: _without_logical_types(value)
            for key, value in schema.items()
            if key != "logicalType"
        }
    if isinstance(schema, list):
        return [_without_logical_types(item) for item in schema]
    return schema
