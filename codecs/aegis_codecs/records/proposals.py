"""Proposals: from the bytes of a record to a checked dict, and the other way.

    decoder = ProposalDecoder(cache)
    record = decoder.decode(value, content_type)      # refuses with ProposalDecodeError
    fault = validate_record(record)                   # bounds, in schema order
    digest = content_sha256(record)                   # identity of the content
    inputs = gate_inputs(record)                      # what the gates read

A decoder never waits: when the writer's schema is missing it raises ``SchemaNotCachedError``; fetch
that id (``aegis_codecs.registry``), put it into the cache and decode the same bytes again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import json_proposal
from aegis_codecs.records.canonical import is_ordered
from aegis_codecs.records.codec import UNDECODABLE, Codec, codec_for
from aegis_codecs.records.errors import ProposalDecodeError
from aegis_codecs.records.validation import (
    RecordFault,
    gate_inputs,
    is_identifier,
    validate_record,
)
from aegis_codecs.records.wire import HEADER_SIZE, SchemaCache, WireDecoder, WireEncoder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AVRO_CONTENT_TYPE",
    "JSON_CONTENT_TYPE",
    "MAX_PROPOSAL",
    "Proposal",
    "ProposalDecoder",
    "ProposalEncoder",
    "RecordFault",
    "content_sha256",
    "from_json",
    "gate_inputs",
    "is_identifier",
    "to_json",
    "validate_record",
]

Proposal: TypeAlias = dict[str, Any]
"""A proposal with all fields of ``schemas/avro/ProposalSubmitted.avsc``."""

MAX_PROPOSAL: Final = 48 * 1024
"""Bytes a proposal may have on the wire."""

AVRO_CONTENT_TYPE: Final = "application/vnd.confluent.avro"
JSON_CONTENT_TYPE: Final = "application/json"


class ProposalDecoder:
    """Decodes proposals in either form.

    Args:
        cache: Schemas of writers fetched so far.
    """

    def __init__(self, cache: SchemaCache) -> None:
        self._avro: Final = WireDecoder(_codec(), cache)

    def decode(self, value: bytes | None, content_type: str | None = None) -> Proposal:
        """Decode the value of a record.

        Args:
            value: The value; None is refused.
            content_type: Header ``content-type``: None or ``AVRO_CONTENT_TYPE`` for the Confluent
                wire format, ``JSON_CONTENT_TYPE`` for JSON.

        Raises:
            SchemaNotCachedError: Fetch the schema and try again; nothing is said about the value.
            ProposalDecodeError: Refused for good. Reasons in the order of the checks:
                ``record_too_large``, ``content_type_unsupported``, ``schema_unknown``,
                ``undecodable``.
        """
        if value is not None and len(value) > MAX_PROPOSAL:
            raise ProposalDecodeError(
                "record_too_large",
                f"value: {len(value)} bytes, at most {MAX_PROPOSAL} are accepted; shorten it",
            )
        as_json = _is_json(content_type)
        if value is None:
            raise ProposalDecodeError(UNDECODABLE, "value: null; a proposal must have a value")
        if as_json:
            return json_proposal.decode(value)
        try:
            return self._avro.decode(value)
        except DecodeError as error:
            raise ProposalDecodeError(error.reason, error.detail) from error

    def content_sha256(self, record: Proposal, value: bytes) -> bytes:
        """The identity of the content of a record that ``decode`` returned for this value.

        The same as the function ``content_sha256``. Where the value is the canonical encoding
        already, which it is from almost every producer, it need not be made again.
        """
        if self._avro.is_canonical(record, value):
            return hashlib.sha256(memoryview(value)[HEADER_SIZE:]).digest()
        return content_sha256(record)


class ProposalEncoder:
    """Encodes proposals for the stream.

    Args:
        schema_id: Id under which the pinned schema is registered.
    """

    def __init__(self, schema_id: int) -> None:
        self._avro: Final = WireEncoder(_codec(), schema_id)

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """Encode a proposal in the Confluent wire format. Call ``validate_record`` before.

        Raises:
            EncodeError: A field is missing, unknown, or its value does not fit.
        """
        return self._avro.encode(dict(record))


def content_sha256(record: Mapping[str, Any]) -> bytes:
    """The identity of a proposal's content, independent of how it was sent.

    SHA-256 of all fields encoded with the pinned ``ProposalSubmitted`` schema, the entries of
    ``metadata`` and of ``utility_result.components`` in the order of their keys.

    Raises:
        EncodeError: The record is not a whole proposal.
    """
    utility = record["utility_result"]
    if not is_ordered(record["metadata"]):
        record = {**record, "metadata": _by_key(record["metadata"])}
    if utility is not None and not is_ordered(utility["components"]):
        utility = {**utility, "components": _by_key(utility["components"])}
        record = {**record, "utility_result": utility}
    return hashlib.sha256(_codec().encode_mapping(record)).digest()


def from_json(text: bytes) -> Proposal:
    """Decode a proposal from JSON; errors as of ``ProposalDecoder.decode``."""
    return json_proposal.decode(text)


def to_json(record: Mapping[str, Any]) -> str:
    """A proposal as one line of JSON, for people and for ``from_json``.

    Raises:
        EncodeError: The record holds something that JSON cannot say.
    """
    return json_proposal.encode(record)


def _codec() -> Codec[Proposal]:
    return codec_for("ProposalSubmitted")


def _by_key(entries: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(entries.items()))


def _is_json(content_type: str | None) -> bool:
    """Which of the two forms a header names; its parameter ``charset=utf-8`` is allowed."""
    if content_type is None:
        return False
    kind, _, parameter = content_type.lower().partition(";")
    charset_fits = parameter.strip() in {"", "charset=utf-8"}
    if charset_fits and kind.strip() in {AVRO_CONTENT_TYPE, JSON_CONTENT_TYPE}:
        return kind.strip() == JSON_CONTENT_TYPE
    raise ProposalDecodeError(
        "content_type_unsupported",
        f"content-type: {ascii(content_type)[:80]} is not accepted; give {AVRO_CONTENT_TYPE},"
        f" {JSON_CONTENT_TYPE} or no such header",
    )
