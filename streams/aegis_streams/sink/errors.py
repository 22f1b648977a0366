"""What can go wrong between the log and the database."""

from __future__ import annotations

from aegis_streams.errors import StreamError, UnavailableError


class SinkError(StreamError):
    """The audit database or the connector refuses something; the message names it."""


class MigrationError(SinkError):
    """The database was made from other migrations than those at hand."""


class SchemaDiffersError(SinkError):
    """The database reads leaf bodies by another schema than the files; the message names it."""


class ConnectorError(SinkError):
    """The connector configuration is not accepted; the message names the field."""


class ConnectUnreachableError(UnavailableError):
    """Kafka Connect did not answer, or not as it should."""


class DatabaseUnreachableError(UnavailableError):
    """PostgreSQL did not answer, or does not let this role in."""
