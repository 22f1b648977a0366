"""The HTTP endpoint of a worker: /metrics, /livez and /readyz."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from aegis_streams.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN: Final = "text/plain; charset=utf-8"
_STANDS: Final = "the loop does not come round"


@dataclass
class Health:
    """What liveness and readiness answer with.

    Attributes:
        limit_seconds: Longest time without a sign of life before liveness says no.
        clock: Monotonic seconds.
        ready: Whether the process does all it was asked to. A worker: every partition that the
            group gives it is restored and worked on, be it none.
        detail: Why not, for a person.
    """

    limit_seconds: float
    clock: Callable[[], float] = time.monotonic
    ready: bool = False
    detail: str = "starting"
    _beat: float = field(init=False)

    def __post_init__(self) -> None:
        self._beat = self.clock()

    def beat(self) -> None:
        """Note that the process's loop came round."""
        self._beat = self.clock()

    @property
    def alive(self) -> bool:
        """Whether the loop came round within the limit."""
        return self.clock() - self._beat <= self.limit_seconds

    def became(self, *, ready: bool, detail: str = "") -> None:
        """Set readiness and the reason for it."""
        self.ready, self.detail = ready, detail


class Endpoint:
    """Serves one worker's metrics and health from a daemon thread."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Health) -> None:
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(registry, health))
        except OSError as error:
            raise UnavailableError(
                f"metrics endpoint {host}:{port}: {error.strerror}; choose another port with "
                "AEGIS_DECIDE_METRICS_PORT, AEGIS_SEAL_METRICS_PORT or AEGIS_SINK_METRICS_PORT"
            ) from error
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Begin to serve."""
        threading.Thread(
            target=self._server.serve_forever, name="aegis-metrics", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()


def _handler(registry: CollectorRegistry, health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?", 1)[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif path == "/livez":
                self._state(health.alive, "alive", _STANDS)
            elif path == "/readyz":
                self._state(health.ready and health.alive, "ready", health.detail or _STANDS)
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"/metrics, /livez or /readyz\n", PLAIN)

        def _state(self, good: bool, yes: str, no: str) -> None:
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, f"{yes if good else no}\n".encode(), PLAIN)

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Scrapes are not logged."""

    return Handler
