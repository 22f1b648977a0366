"""Sinks that post events to a collector, one by one or in batches.

Failures are logged and never raised. Redirects are not followed: they could lead away from TLS.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from http import HTTPStatus
from http.client import HTTPException
from threading import Event as Signal
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from aegis_governance.telemetry.urls import checked_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_governance.telemetry.emitter import Event

_LOG: Final = logging.getLogger(__name__)

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds that a request may wait for the network."""
DEFAULT_BATCH_SIZE: Final = 100
"""Events per request."""
DEFAULT_FLUSH_INTERVAL: Final = 60.0
"""Seconds after which waiting events are sent even when a batch is not full."""
BATCHES_HELD: Final = 10
"""Full batches that may wait; beyond, the oldest events are dropped."""
_STEP: Final = 1.0
"""Seconds between looks at the clock of the flushing thread."""


class _Poster:
    """Posts JSON to one URL."""

    def __init__(
        self, url: str, headers: Mapping[str, str] | None, timeout: float, *, allow_insecure: bool
    ) -> None:
        self._url: Final = checked_url(url, allow_insecure=allow_insecure)
        self._headers: Final = {"Content-Type": "application/json", **(headers or {})}
        self._timeout: Final = timeout
        # Only these handlers: nothing that follows redirects or opens files.
        self._opener: Final = OpenerDirector()
        for handler in (ProxyHandler(), HTTPSHandler(), HTTPHandler()):
            self._opener.add_handler(handler)

    def post(self, payload: object) -> bool:
        """Post ``payload``; return whether the collector accepted it."""
        try:
            body = json.dumps(payload, allow_nan=False).encode()
            request = Request(  # noqa: S310 - the scheme was checked when the sink was made
                self._url, body, self._headers, method="POST"
            )
            with self._opener.open(request, timeout=self._timeout) as response:
                status = int(response.status)
        except (OSError, HTTPException, TypeError, ValueError) as error:
            _LOG.warning("telemetry was not delivered: %s", error)
            return False
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            _LOG.warning("telemetry was not delivered: the collector answered %d", status)
            return False
        return True


class HTTPEventSink:
    """Posts each event as one JSON object, in the caller's thread."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        *,
        allow_insecure: bool = False,
    ) -> None:
        """Prepare to post.

        Args:
            url: An https URL.
            headers: Further headers, such as ``Authorization``.
            timeout: Seconds that a request may wait for the network.
            allow_insecure: Accept an http URL, with a WARNING in the log.

        Raises:
            InsecureURLError: The URL is not https.
        """
        self._poster: Final = _Poster(url, headers, timeout, allow_insecure=allow_insecure)

    def emit(self, event: Event) -> None:
        """Post the event; a failure is logged."""
        self._poster.post(event.to_dict())


class BatchHTTPSink:
    """Posts events as JSON arrays from a background thread.

    At most ``10 * batch_size`` events wait; beyond, the oldest are dropped and counted. A batch
    that could not be delivered waits for the next flush as long as there is room.

    Attributes:
        dropped: Events that were dropped for lack of room.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        flush_interval_seconds: float = DEFAULT_FLUSH_INTERVAL,
        allow_insecure: bool = False,
    ) -> None:
        """Prepare to post; ``start`` begins.

        Args:
            url: An https URL.
            headers: Further headers, such as ``Authorization``.
            timeout: Seconds that a request may wait for the network.
            batch_size: Events per request, at least 1.
            flush_interval_seconds: Seconds after which waiting events are sent anyway.
            allow_insecure: Accept an http URL, with a WARNING in the log.

        Raises:
            InsecureURLError: The URL is not https.
        """
        self._poster: Final = _Poster(url, headers, timeout, allow_insecure=allow_insecure)
        self._batch_size: Final = batch_size
        self._interval: Final = flush_interval_seconds
        self._waiting: Final[deque[Event]] = deque(maxlen=batch_size * BATCHES_HELD)
        self._lock: Final = Lock()
        self._full: Final = Signal()
        self._stopping: Final = Signal()
        self._thread: Thread | None = None
        self.dropped = 0

    def emit(self, event: Event) -> None:
        """Let the event wait for the next flush."""
        with self._lock:
            self.dropped += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(event)
            if len(self._waiting) >= self._batch_size:
                self._full.set()

    def start(self) -> None:
        """Start the flushing thread (a daemon)."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = Thread(target=self._run, name="aegis-telemetry", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread and send what waits, until it is empty or a batch is not delivered."""
        self._stopping.set()
        self._full.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        while self._flush():
            pass

    def _run(self) -> None:
        waited = 0.0
        while not self._stopping.is_set():
            full = self._full.wait(_STEP)
            waited += _STEP
            if full or waited >= self._interval:
                self._full.clear()
                waited = 0.0
                while not self._stopping.is_set() and self._flush():
                    pass

    def _flush(self) -> bool:
        """Send one batch; return whether it was delivered and more waits."""
        with self._lock:
            count = min(self._batch_size, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
        if not batch:
            return False
        delivered = self._poster.post([event.to_dict() for event in batch])
        with self._lock:
            if not delivered:
                self._put_back(batch)
            return delivered and bool(self._waiting)

    def _put_back(self, batch: list[Event]) -> None:
        room = (self._waiting.maxlen or 0) - len(self._waiting)
        kept = batch[max(0, len(batch) - room) :]
        self.dropped += len(batch) - len(kept)
        self._waiting.extendleft(reversed(kept))


def http_sink(
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    flush_interval_seconds: float = DEFAULT_FLUSH_INTERVAL,
    allow_insecure: bool = False,
) -> BatchHTTPSink:
    """Return a batching sink, as recommended for production; arguments as ``BatchHTTPSink``."""
    return BatchHTTPSink(
        url,
        headers,
        timeout,
        batch_size=batch_size,
        flush_interval_seconds=flush_interval_seconds,
        allow_insecure=allow_insecure,
    )
