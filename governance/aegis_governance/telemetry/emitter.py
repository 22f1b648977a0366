"""Telemetry events and where they go. Nothing here may disturb a decision."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from aegis_governance.ambient import now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

_LOG: Final = logging.getLogger(__name__)

EventName = Literal[
    "proposal.received",
    "gate.evaluated",
    "decision.made",
    "drift.status_changed",
]
"""Every event that the core emits."""


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        name: What happened.
        source: Who says so.
        timestamp: When, ISO 8601 with offset.
        data: JSON values that describe it.
    """

    name: EventName
    source: str
    timestamp: str
    data: Mapping[str, object]

    def to_dict(self) -> dict[str, object]:
        """Return the event as plain JSON values."""
        return {
            "event": self.name,
            "source": self.source,
            "timestamp": self.timestamp,
            "data": dict(self.data),
        }


class Sink(Protocol):
    """Takes events. It may drop them; it should not block for long."""

    def emit(self, event: Event) -> None:
        """Take one event."""


class MemorySink:
    """Keeps the latest events in the process.

    Attributes:
        events: The events, oldest first.
    """

    def __init__(self, maximum: int = 1000) -> None:
        self.events: Final[deque[Event]] = deque(maxlen=maximum)

    def emit(self, event: Event) -> None:
        """Keep the event; the oldest is dropped when there is no room."""
        self.events.append(event)


class TelemetryEmitter:
    """Hands events to sinks. A sink that fails is logged and passed over."""

    def __init__(self, source: str, clock: Callable[[], datetime] = now) -> None:
        """Start without sinks.

        Args:
            source: Name of the service, put into every event.
            clock: Gives the time of an event.
        """
        self.source: Final = source
        self._clock: Final = clock
        self._sinks: Final[list[Sink]] = []

    def add_sink(self, sink: Sink) -> None:
        """Send all further events to ``sink`` too."""
        self._sinks.append(sink)

    def emit(self, name: EventName, data: Mapping[str, object]) -> None:
        """Send an event to every sink; never raises because of a sink."""
        if not self._sinks:
            return
        event = Event(name, self.source, self._clock().isoformat(), data)
        for sink in self._sinks:
            _hand_over(sink, event)


def _hand_over(sink: Sink, event: Event) -> None:
    try:
        sink.emit(event)
    except Exception:  # noqa: BLE001 - telemetry must never disturb a decision
        _LOG.warning("telemetry sink %r failed", type(sink).__name__, exc_info=True)
