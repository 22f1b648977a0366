"""The records of a deployment's topics, in Confluent wire format with their registered schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import audit, envelopes, schemas
from aegis_codecs.records.envelopes import CheckpointRecord, DeadLetter, SignedDecision
from aegis_codecs.records.wire import SchemaCache, WireDecoder, WireEncoder
from aegis_codecs.registry import Registry
from aegis_streams.errors import ContinuityError

if TYPE_CHECKING:
    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.records.audit import AuditEntry
    from aegis_codecs.records.codec import Codec


class Records:
    """Encodes and decodes with the schema ids of one registry.

    Making one blocks for a few round trips to the registry, which learns our schemas if it does
    not have them (as after it lost its memory).

    Args:
        registry_url: The registry in Confluent's API.

    Raises:
        RegistryUnreachableError: It did not answer.
    """

    def __init__(self, registry_url: str) -> None:
        self._registry: Final = Registry(registry_url)
        self.ids: Final = self._registry.ensure_registered()
        self.schemas: Final = SchemaCache()
        self._audit: Final = self._encoder(audit.codec())
        self._decision: Final = self._encoder(envelopes.signed_decision_codec())
        self._checkpoint: Final = self._encoder(envelopes.checkpoint_codec())
        self._dead_letter: Final = self._encoder(envelopes.dead_letter_codec())
        self._audit_decoder: Final = WireDecoder(audit.codec(), self.schemas)
        self._checkpoint_decoder: Final = WireDecoder(envelopes.checkpoint_codec(), self.schemas)
        for name, number in self.ids.items():
            self.schemas.put(number, schemas.source(name))

    def fetch(self, schema_id: int) -> None:
        """Bring a schema into the cache. Blocks for a round trip.

        Raises:
            UnknownSchemaError: The registry has none of this id.
            RegistryUnreachableError: It did not answer.
        """
        self.schemas.put(schema_id, self._registry.fetch(schema_id))

    def audit(self, entry: AuditEntry) -> bytes:
        """Encode a leaf for the audit topic."""
        return self._audit.encode(entry)

    def dead_letter(self, letter: DeadLetter) -> bytes:
        """Encode a dead letter."""
        return self._dead_letter.encode(letter)

    def decision(self, entry: AuditEntry, receipt: bytes) -> bytes:
        """Encode a decision leaf with its receipt."""
        return self._decision.encode(
            SignedDecision(
                entry.body,
                receipt,
                entry.decision_id or "",
                entry.proposal_id or "",
                entry.agent_id or "",
                entry.status or "",
            )
        )

    def checkpoint(self, checkpoint: Checkpoint, note: bytes, *, keep: bool) -> bytes:
        """Encode a signed tree head."""
        return self._checkpoint.encode(
            CheckpointRecord(checkpoint.origin, checkpoint.size, note, keep)
        )

    def decode_audit(self, value: bytes | None) -> AuditEntry:
        """Decode a leaf of the audit topic.

        Raises:
            ContinuityError: It is none; only the decider writes there.
        """
        try:
            return self._audit_decoder.decode(value or b"")
        except DecodeError as error:
            raise ContinuityError(
                f"audit topic: a record that is no leaf ({error.detail}); somebody else wrote it"
            ) from error

    def checkpoint_note(self, value: bytes | None) -> bytes:
        """Return the note of a checkpoint record; nothing for bytes that are no such record."""
        try:
            return self._checkpoint_decoder.decode(value or b"").note
        except DecodeError:
            return b""

    def _encoder(self, codec: Codec[Any]) -> WireEncoder[Any]:
        return WireEncoder(codec, self.ids[codec.name])
