"""Encoding and decoding with the registry's schemas, fetched at once; later ones when first met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from aegis_codecs.records import audit, envelopes
from aegis_codecs.records.errors import SchemaNotCachedError, UnknownSchemaError
from aegis_codecs.records.proposals import ProposalEncoder
from aegis_codecs.records.wire import SchemaCache, WireDecoder
from aegis_codecs.registry import Registry, ensure_registered
from aegis_streams.names import AUDIT, CHECKPOINTS, DECISIONS, PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aegis_codecs.records.audit import AuditEntry
    from aegis_codecs.records.codec import Codec
    from aegis_codecs.records.envelopes import CheckpointRecord, SignedDecision

Decoded = TypeVar("Decoded")
RECORD: Final = "ProposalSubmitted"


def proposal_encoder(registry_url: str) -> Callable[[Mapping[str, Any]], bytes]:
    """Return a function from a whole proposal to the bytes of its record.

    Raises:
        RegistryUnreachableError: The registry does not answer.
    """
    ids = ensure_registered(registry_url, [(f"{PROPOSALS}-value", RECORD)])
    return ProposalEncoder(ids[RECORD]).encode


def decision_decoder(registry_url: str) -> Callable[[bytes], SignedDecision]:
    """Return a function from the bytes of a record to a signed decision, as yet unverified.

    Raises:
        RegistryUnreachableError: The registry does not answer.
    """
    return _decoder(registry_url, DECISIONS, envelopes.signed_decision_codec())


def audit_decoder(registry_url: str) -> Callable[[bytes], AuditEntry]:
    """Return a function from the bytes of a record to a leaf, as yet unverified.

    Raises:
        RegistryUnreachableError: The registry does not answer.
    """
    return _decoder(registry_url, AUDIT, audit.codec())


def checkpoint_decoder(registry_url: str) -> Callable[[bytes], CheckpointRecord]:
    """Return a function from the bytes of a record to a checkpoint, as yet unverified.

    Raises:
        RegistryUnreachableError: The registry does not answer.
    """
    return _decoder(registry_url, CHECKPOINTS, envelopes.checkpoint_codec())


def fetching(
    codec: Codec[Decoded], fetch: Callable[[int], str], known: Mapping[int, str]
) -> Callable[[bytes], Decoded]:
    """Return a decoder that fetches a missing schema and tries again.

    The function raises DecodeError for bytes that are no such record, and what `fetch` raises.

    Args:
        codec: Codec of the record.
        fetch: Returns the schema of an id; raises UnknownSchemaError if there is none.
        known: Schemas by id that need not be fetched.
    """
    cache = SchemaCache()
    for number, text in known.items():
        cache.put(number, text)
    decoder = WireDecoder(codec, cache)

    def decode(value: bytes) -> Decoded:
        try:
            return decoder.decode(value)
        except SchemaNotCachedError as missing:
            try:
                cache.put(missing.schema_id, fetch(missing.schema_id))
            except UnknownSchemaError as unknown:
                cache.put_unknown(missing.schema_id, str(unknown))
        return decoder.decode(value)

    return decode


def _decoder(registry_url: str, topic: str, codec: Codec[Decoded]) -> Callable[[bytes], Decoded]:
    registry = Registry(registry_url)
    return fetching(codec, registry.fetch, registry.versions(f"{topic}-value"))
