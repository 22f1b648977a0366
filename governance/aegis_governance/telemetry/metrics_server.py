"""Serving the core's metrics over HTTP, for processes that use the library for long."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Final

from aegis_governance.telemetry.metrics import PROCESS_METRICS, MetricRegistry

DEFAULT_PORT: Final = 9090
"""The port that the deployment guide names."""
_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_CLIENT_TIMEOUT: Final = 5.0
_POLL_SECONDS: Final = 0.1


class MetricsServer:
    """Answers ``GET /metrics`` from a background thread (a daemon), one request at a time.

    Attributes:
        port: The port; after ``start`` the real one, where 0 asked for any free port.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        registry: MetricRegistry = PROCESS_METRICS,
    ) -> None:
        """Prepare to serve; ``start`` begins.

        Args:
            host: The address to listen on; ``0.0.0.0`` for every one.
            port: The port; 0 for any free one.
            registry: The metrics to show.
        """
        self.port = port
        self._host: Final = host
        self._registry: Final = registry
        self._server: HTTPServer | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Listen and answer until ``stop``.

        Raises:
            OSError: The address cannot be listened on.
        """
        if self._server is not None:
            return
        self._server = HTTPServer((self._host, self.port), _handler(self._registry))
        self.port = self._server.server_port
        self._thread = Thread(
            target=self._server.serve_forever,
            args=(_POLL_SECONDS,),
            name="aegis-metrics",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None


def _handler(registry: MetricRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_TIMEOUT

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(HTTPStatus.NOT_FOUND, "only /metrics is here")
                return
            body = registry.render().encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", _CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are not worth a line each."""

    return Handler
