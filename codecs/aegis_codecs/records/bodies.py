"""Leaf bodies: the bytes the log commits to.

A body is in Avro single-object encoding: the marker C3 01, the CRC-64-AVRO fingerprint of the
schema (8 bytes, low first), the record. So it describes itself, and its bytes stay readable when
the schema goes on. Decode a body only after its hash has been verified; never encode one again to
check it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import schemas
from aegis_codecs.records.codec import UNDECODABLE, Decoder, codec_for
from aegis_codecs.records.errors import EncodeError, UnknownFingerprintError
from aegis_codecs.records.rows import Rows, codes_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

MARKER: Final = b"\xc3\x01"
PREFIX_SIZE: Final = 10
"""Marker and fingerprint."""

MAX_BODY: Final = 65_535
"""Bytes a leaf body may have."""


class LeafBody(NamedTuple):
    """A decoded leaf body."""

    kind: str
    """Name of the record, such as ``DecisionMade``."""
    fields: dict[str, Any]
    """Its fields, times as milliseconds, digests as bytes, enums as their symbols."""


def decode(body: bytes) -> LeafBody:
    """Decode a leaf body of any version of any of our body records.

    Raises:
        UnknownFingerprintError: The schema is none of them.
        DecodeError: The bytes are not a body (reason ``undecodable``).
    """
    decoder = _decoders().get(body[:PREFIX_SIZE])
    if decoder is None:
        raise _unknown(body)
    return LeafBody(decoder.name, decoder.decode(body, PREFIX_SIZE))


def encode(kind: str, fields: Mapping[str, Any]) -> bytes:
    """Encode a leaf body given by field names.

    Raises:
        SchemaError: There is no such record.
        EncodeError: A field is missing, unknown, does not fit, or the body is larger than
            ``MAX_BODY``.
    """
    return _bounded(kind, prefix(kind) + codec_for(kind).encode_mapping(fields))


class BodyRows:
    """Encodes many bodies of one kind, given as tuples; the bytes are those of ``encode``.

    Args:
        kind: Name of the record.
        constants: Values of fields that are the same in every body.
        given: Optional fields that hold a value in every body.
        packed: Neighbouring fields of known width, given as the bytes that stand for them.

    Attributes:
        names: Fields of a row, in order: all but the constants; of the packed ones the first.

    Raises:
        SchemaError: There is no such record.
        EncodeError: A constant does not fit its field.
    """

    def __init__(
        self,
        kind: str,
        constants: Mapping[str, Any],
        given: Collection[str],
        packed: Sequence[str] = (),
    ) -> None:
        rows = Rows(schemas.tree(kind), constants, given, packed)
        self.names: Final = rows.names
        self._kind: Final = kind
        self._prefix: Final = prefix(kind)
        self._encode: Final = rows.encode

    def encode(self, row: Sequence[Any]) -> bytes:
        """Encode a body, given a value for each of ``names``; errors as of the function."""
        return _bounded(self._kind, self._prefix + self._encode(row))


@cache
def enum_codes(kind: str, field: str) -> Mapping[str, int]:
    """The byte that stands for each symbol of an enum field of a body."""
    types_of = {each.name: each.type for each in schemas.tree(kind).fields}
    return codes_of(types_of[field])


@cache
def prefix(kind: str) -> bytes:
    """What a body of the pinned version of a record begins with."""
    return MARKER + schemas.fingerprint(schemas.canonical(kind))


@cache
def _decoders() -> dict[bytes, Decoder[dict[str, Any]]]:
    """A decoder for every version of every body record, by what the body begins with."""
    found: dict[bytes, Decoder[dict[str, Any]]] = {}
    for kind in schemas.BODIES:
        found[prefix(kind)] = codec_for(kind)
        for text in schemas.history(kind):
            start = MARKER + schemas.fingerprint(schemas.canonical_form(text))
            found.setdefault(start, codec_for(kind).reading(schemas.parsed(text)))
    return found


def _bounded(kind: str, body: bytes) -> bytes:
    if len(body) > MAX_BODY:
        raise EncodeError(f"{kind}: {len(body)} bytes exceed the limit of {MAX_BODY}")
    return body


def _unknown(body: bytes) -> DecodeError:
    if not body.startswith(MARKER) or len(body) < PREFIX_SIZE:
        return DecodeError(UNDECODABLE, "not an Avro single-object: C3 01 must come first")
    return UnknownFingerprintError(bytes(body[len(MARKER) : PREFIX_SIZE]))
