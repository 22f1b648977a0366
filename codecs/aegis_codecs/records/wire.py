"""The Confluent wire format: a zero byte, the schema id (4 bytes, high first), the Avro record.

Schema ids come from the registry. A worker fetches a schema once and keeps it in a ``SchemaCache``;
decoding itself never waits for a network. When a schema is missing it raises
``SchemaNotCachedError``; the caller fetches that id, puts the answer into the cache and decodes the
same bytes again.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import schemas, types
from aegis_codecs.records.codec import UNDECODABLE, Codec, Decoded, Decoder
from aegis_codecs.records.errors import SchemaError, SchemaNotCachedError
from aegis_codecs.records.resolution import mismatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_log: Final = logging.getLogger(__name__)

HEADER_SIZE: Final = 5
MAX_SCHEMAS: Final = 1024
"""Schemas a cache holds; the oldest makes room. Ours need six."""
MAX_UNKNOWN: Final = 100_000
"""Ids without a usable schema that a cache holds: more than a batch has records."""

Key = TypeVar("Key")
Value = TypeVar("Value")
MAX_SCHEMA_ID: Final = 2**31 - 1
"""The largest id a registry gives out. A larger one on the wire is refused without asking: asked
for it, a registry answers as to a malformed call, and the stream would wait for ever."""

SCHEMA_UNKNOWN: Final = "schema_unknown"
NOT_REGISTERED: Final = "the registry has none of this id"
UNSUPPORTED: Final = "its schema is not supported here"
FOREIGN: Final = "its schema is of another record"
"""Why an id has no usable schema. These words go into leaf bodies; a library's must not."""
_SHOWN: Final = 300
"""Characters of a comparison of schemas in a detail; names of a writer's may be of any length."""


def header(schema_id: int) -> bytes:
    """The five bytes before a record with this schema id (0 to 2**32 - 1)."""
    return b"\x00" + schema_id.to_bytes(4, "big")


def schema_id(value: bytes) -> int:
    """Read the schema id of a framed record.

    Raises:
        DecodeError: There is no such header (reason ``undecodable``).
    """
    if not _is_header(value[:HEADER_SIZE]):
        raise DecodeError(
            UNDECODABLE,
            "no Confluent wire format: a zero byte and a 4-byte schema id must come first"
            " (JSON needs the header content-type: application/json)",
        )
    return int.from_bytes(value[1:HEADER_SIZE], "big")


class WriterSchema(NamedTuple):
    """What is kept of a writer's schema."""

    tree: types.Record
    canonical: str
    parsed: schemas.Parsed


class SchemaCache:
    """Writers' schemas by id, as far as they have been fetched; bounded.

    May be filled by several threads.
    """

    def __init__(self, max_schemas: int = MAX_SCHEMAS, max_unknown: int = MAX_UNKNOWN) -> None:
        self._max: Final = max_schemas
        self._max_unknown: Final = max_unknown
        self._schemas: dict[int, WriterSchema] = {}
        self._unknown: dict[int, str] = {}
        self._filling: Final = Lock()

    def put(self, schema_id: int, text: str) -> None:
        """Keep the schema the registry gave for an id; one that is unfit counts as unknown."""
        try:
            tree = schemas.parse(text)
            if tree.name not in schemas.RECORDS:
                self.put_unknown(schema_id, FOREIGN)
                return
            writer = WriterSchema(tree, schemas.canonical_form(text), schemas.parsed(text))
        except SchemaError as error:
            _log.warning("the schema with id %d is not supported: %s", schema_id, error)
            self.put_unknown(schema_id, UNSUPPORTED)
            return
        with self._filling:
            _insert(self._schemas, schema_id, writer, self._max)

    def put_unknown(self, schema_id: int, why: str = NOT_REGISTERED) -> None:
        """Keep the answer that there is no usable schema, until ``forget_unknown``."""
        with self._filling:
            _insert(self._unknown, schema_id, why, self._max_unknown)

    def forget_unknown(self) -> None:
        """Ask again for unknown ids from now on; call it per batch.

        Otherwise a single record with an id not yet given out would block the schema that gets this
        id later.
        """
        with self._filling:
            self._unknown.clear()

    def missing(self, values: Iterable[bytes | None]) -> list[int]:
        """The ids that framed values name and of which nothing is known, in rising order."""
        heads = {value[:HEADER_SIZE] for value in values if value}
        named = (int.from_bytes(head[1:], "big") for head in heads if _is_header(head))
        known, unknown = self._schemas, self._unknown
        return sorted(
            number
            for number in named
            if number <= MAX_SCHEMA_ID and number not in known and number not in unknown
        )

    def get(self, schema_id: int) -> WriterSchema:
        """The schema of an id.

        Raises:
            SchemaNotCachedError: It has not been fetched.
            DecodeError: The registry does not know it (reason ``schema_unknown``).
        """
        if schema_id > MAX_SCHEMA_ID:
            raise DecodeError(
                SCHEMA_UNKNOWN,
                f"schema id {schema_id}: ids end at {MAX_SCHEMA_ID}; use a given one",
            )
        found = self._schemas.get(schema_id)
        if found is not None:
            return found
        if (why := self._unknown.get(schema_id)) is not None:
            raise DecodeError(
                SCHEMA_UNKNOWN,
                f"schema id {schema_id}: {why}; use the id of a registered schema of this record",
            )
        raise SchemaNotCachedError(schema_id)


class WireDecoder(Generic[Decoded]):
    """Decodes framed records of one kind, whatever version of the schema wrote them."""

    def __init__(self, codec: Codec[Decoded], cache: SchemaCache) -> None:
        self._codec: Final = codec
        self._cache: Final = cache
        self._decoders: dict[bytes, Decoder[Decoded]] = {}

    def decode(self, value: bytes) -> Decoded:
        """Decode one framed record.

        Raises:
            SchemaNotCachedError: Fetch the schema first.
            DecodeError: Reason ``schema_unknown``: the id is unknown or its schema is not one of
                this record; ``undecodable``: the bytes do not fit the schema.
        """
        decoder = self._decoders.get(value[:HEADER_SIZE])
        if decoder is None:
            decoder = self._prepare(value)
        return decoder.decode(value, HEADER_SIZE)

    def is_canonical(self, record: Mapping[str, Any], value: bytes) -> bool:
        """Whether a framed value is the canonical encoding, by the pinned schema, of its record.

        Args:
            record: What ``decode`` returned for this value, or what it was decoded to otherwise.
            value: The value.
        """
        decoder = self._decoders.get(value[:HEADER_SIZE])
        return decoder is self._codec and self._codec.canonical.holds(record, value, HEADER_SIZE)

    def _prepare(self, value: bytes) -> Decoder[Decoded]:
        """Make the decoder for the schema id of ``value``."""
        number = schema_id(value)
        writer = self._cache.get(number)
        if why := mismatch(writer.tree, schemas.tree(self._codec.name)):
            raise DecodeError(
                SCHEMA_UNKNOWN,
                f"the schema with id {number} cannot be read as {self._codec.name}: {_shown(why)}",
            )
        decoder: Decoder[Decoded] = self._codec
        if writer.canonical != schemas.canonical(self._codec.name):
            decoder = self._codec.reading(writer.parsed)
        _insert(self._decoders, value[:HEADER_SIZE], decoder, MAX_SCHEMAS)
        return decoder


class WireEncoder(Generic[Decoded]):
    """Encodes records of one kind behind the header of their registered schema.

    Args:
        codec: Codec of the record.
        schema_id: Id under which the pinned schema is registered.
    """

    def __init__(self, codec: Codec[Decoded], schema_id: int) -> None:
        self._encode: Final = codec.encode
        self._header: Final = header(schema_id)

    def encode(self, record: Decoded) -> bytes:
        """Encode a record.

        Raises:
            EncodeError: A field is missing, unknown, or its value does not fit.
        """
        return self._header + self._encode(record)


def _is_header(data: bytes) -> bool:
    """Whether these are a zero byte and a schema id."""
    return len(data) == HEADER_SIZE and not data[0]


def _shown(why: str) -> str:
    """A comparison for a detail: ASCII and short, whatever names it holds."""
    return why.encode("ascii", "backslashreplace")[:_SHOWN].decode()


def _insert(store: dict[Key, Value], key: Key, value: Value, limit: int) -> None:
    """Put an entry into a bounded dict; the oldest makes room."""
    if len(store) >= limit:
        del store[next(iter(store))]
    store[key] = value
