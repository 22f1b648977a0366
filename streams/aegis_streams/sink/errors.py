"""What can go wrong between the log and the database."""

from __future__ import annotations

from aegis_streams.errors import StreamError, UnavailableError


class SinkError(StreamError):
    """The audit database or the connector refuses something; the message names it."""


class MigrationError(SinkError):
    """The database was made from other migrations than those at hand."""


class DatabaseUnreachableError(UnavailableError):
    """PostgreSQL did not answer, or does not let this role in."""
