"""Errors of the records, all below ``CodecError``.

``DecodeError`` blames the bytes: the record is refused for good. ``SchemaNotCachedError`` blames
nobody: the schema must be fetched first, then the same call is made again.
"""

from __future__ import annotations

from aegis_codecs.errors import CodecError, DecodeError


class SchemaError(CodecError):
    """A schema is malformed, not supported here, or cannot be read as the schema of a record."""


class EncodeError(CodecError):
    """A value does not fit its schema; the message names record and field."""


class MalformedError(CodecError):
    """Bytes are not what the schema says; callers outside this package see ``DecodeError``."""


class UnknownFingerprintError(DecodeError):
    """A body was written with a schema that this version does not know."""

    def __init__(self, fingerprint: bytes) -> None:
        super().__init__(
            "unknown_fingerprint",
            f"no leaf body has the schema fingerprint {fingerprint.hex()}; a newer version may",
        )
        self.fingerprint = fingerprint


class SchemaNotCachedError(CodecError):
    """The writer's schema is not in the cache: fetch ``schema_id``, put it there and try again."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"the schema with id {schema_id} has not been fetched yet")
        self.schema_id = schema_id


class UnknownSchemaError(CodecError):
    """The registry answered that it has no schema of this id, or has one that cannot be used."""

    def __init__(self, schema_id: int, why: str) -> None:
        super().__init__(f"the schema with id {schema_id} cannot be used: {why}")
        self.schema_id = schema_id


class SchemaRefusedError(CodecError):
    """The registry refuses one of our schemas, for instance as incompatible with what it has."""


class ProposalDecodeError(DecodeError):
    """A value is not a proposal.

    Attributes:
        proposal_id: The id, if it could be read; None otherwise.
        agent_id: The agent, if it could be read; None otherwise.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        proposal_id: str | None = None,
        agent_id: str | None = None,
    ) -> None:
        super().__init__(reason, detail)
        self.proposal_id = proposal_id
        self.agent_id = agent_id
