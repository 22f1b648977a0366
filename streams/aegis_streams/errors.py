"""The error tree of the stream: what went wrong between Kafka and the decisions."""

from __future__ import annotations

from typing import Final

from aegis_governance.errors import AegisError

LOST_STATE: Final = "docs/lost-state.md"
"""Where to read on when a table is lost or damaged."""


class StreamError(AegisError):
    """Base of everything the stream refuses or cannot do."""


class SettingsError(StreamError):
    """A setting is missing, malformed or out of its range; the message names it."""


class TopicError(StreamError):
    """A topic, schema or partition count differs from what the deployment was opened with."""


class GenesisError(StreamError):
    """State and log disagree about how the deployment began; a person has to look."""


class ContinuityError(StreamError):
    """State, offsets or leaves do not continue what was committed before them."""


class SplitViewError(ContinuityError):
    """What would be signed is not, or cannot be shown to be, a continuation of what was signed."""


class UnavailableError(StreamError):
    """Kafka, the registry or the local stack did not answer within its deadline."""
