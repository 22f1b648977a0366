"""Encoder and decoder of one record, with errors that say what is wrong.

    codec = envelopes.checkpoint_codec()
    data = codec.encode(CheckpointRecord("aegis/local/1/0", 7, note, keep=False))
    record = codec.decode(data)

Records with a fixed shape of their own are NamedTuples with the fields of the schema in its order;
the others are dicts. All fields must be given, and no others; times are integers of milliseconds.
fastavro does the work. What is done around it to keep the hot records cheap stands in ``rows``.

Details of a ``DecodeError`` go into leaf bodies, so they are in our own words throughout: a message
of the library or of Python may read otherwise in another version. The cause is chained for the log.
"""

from __future__ import annotations

import struct
from functools import cache
from io import BytesIO
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from fastavro import schemaless_reader
from fastavro.read import SchemaResolutionError

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import schemas
from aegis_codecs.records.canonical import Canonical
from aegis_codecs.records.errors import EncodeError
from aegis_codecs.records.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_codecs.records.schemas import Parsed

UNDECODABLE: Final = "undecodable"

DECODE_FAULTS: Final = (
    EOFError,
    IndexError,
    KeyError,
    ValueError,
    OverflowError,
    MemoryError,
    struct.error,
    SchemaResolutionError,
)
"""What the library raises for bytes that do not fit."""

Decoded = TypeVar("Decoded")


class Decoder(Generic[Decoded]):
    """Reads one record as some version of its schema wrote it, in the shape of the pinned schema.

    Args:
        name: Name of the record, for messages.
        writer: Schema the bytes were written with.
        reader: The pinned schema; None if it is the same.
        row: NamedTuple that a record becomes; None leaves it a dict.
    """

    def __init__(
        self,
        name: str,
        writer: Parsed,
        reader: Parsed | None = None,
        row: type[Decoded] | None = None,
    ) -> None:
        self.name: Final = name
        self._writer: Final = writer
        self._reader: Final = reader
        self._row: Final = row

    def decode(self, data: bytes, start: int = 0) -> Decoded:
        """Decode all bytes from ``start`` to the end.

        Raises:
            DecodeError: The bytes are not exactly one such record (reason ``undecodable``).
        """
        stream = BytesIO(data)
        stream.seek(start)
        try:
            record = schemaless_reader(stream, self._writer, self._reader)
        except DECODE_FAULTS as error:
            raise DecodeError(
                UNDECODABLE, f"value: the bytes are no {self.name} in the schema they name"
            ) from error
        if (surplus := len(data) - stream.tell()) != 0:
            raise DecodeError(
                UNDECODABLE, f"value: {surplus} bytes follow the {self.name}; send one per record"
            )
        if self._row is None:
            return cast("Decoded", record)
        fields = cast("dict[str, Any]", record)
        if self._reader is None:
            return cast("Decoded", tuple.__new__(cast("Any", self._row), fields.values()))
        return self._row(**fields)


class Codec(Decoder[Decoded]):
    """Reads and writes one of our records with the pinned version of its schema.

    Args:
        name: Name of the record, without namespace.
        row: NamedTuple of the fields in schema order; None for dicts.

    Raises:
        SchemaError: There is no record of this name.
    """

    def __init__(self, name: str, row: type[Decoded] | None = None) -> None:
        self.schema: Final = schemas.parsed(schemas.source(name))
        super().__init__(name, self.schema, row=row)
        self._rows: Final = Rows(schemas.tree(name))
        self._get: Final = itemgetter(*self._rows.names)
        self.canonical: Final = Canonical(schemas.tree(name))

    def reading(self, writer: Parsed) -> Decoder[Decoded]:
        """A decoder of what another version of the schema wrote."""
        return Decoder(self.name, writer, self.schema, self._row)

    def encode(self, record: Decoded) -> bytes:
        """Encode a record.

        Raises:
            EncodeError: A value does not fit, or a dict lacks a field or has another.
        """
        if self._row is None:
            return self.encode_mapping(cast("Mapping[str, Any]", record))
        return self._rows.encode(cast("tuple[Any, ...]", record))

    def encode_mapping(self, record: Mapping[str, Any]) -> bytes:
        """Encode a record given as a mapping; errors as ``encode``."""
        try:
            row = self._get(record)
        except KeyError as error:
            raise EncodeError(f"{self.name}: no value for {error}") from error
        if len(record) != len(row):
            raise EncodeError(f"{self.name}: {len(row)} fields are needed, not {len(record)}")
        return self._rows.encode(row)


@cache
def codec_for(name: str) -> Codec[dict[str, Any]]:
    """The codec of one of our records, made at first use.

    Raises:
        SchemaError: There is no record of this name.
    """
    return Codec(name)
