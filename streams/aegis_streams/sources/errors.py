"""What can be wrong with the material proposals are made from."""

from __future__ import annotations

from aegis_streams.errors import StreamError


class SourceError(StreamError):
    """A source of proposals cannot be read; the message says which, where and what to do."""


class HistoryError(SourceError):
    """A git history cannot be read: no repository, no commit, or git itself failed."""
