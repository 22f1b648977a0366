"""Telemetry: https only, bounded, and never in the way of a decision."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from aegis_governance import BatchHTTPSink, HTTPEventSink, MemorySink, TelemetryEmitter, http_sink
from aegis_governance.errors import InsecureURLError
from aegis_governance.telemetry import Event
from aegis_governance.telemetry.urls import checked_url, require_public_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 20.0


class Collector:
    """An HTTP server that keeps what is posted and answers as told."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.location = ""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.headers.append(dict(self.headers))
                if collector.status < 300:
                    collector.received.append(json.loads(body))
                self.send_response(collector.status)
                self.send_header("Location", collector.location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/events"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


def event(number: int = 0) -> Event:
    return Event("decision.made", "test", "2026-01-01T00:00:00+00:00", {"number": number})


def numbers(batches: list[list[dict[str, Any]]]) -> list[list[int]]:
    return [[one["data"]["number"] for one in batch] for batch in batches]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


class TestURLs:
    @pytest.mark.parametrize(
        "url",
        [
            "http://example.org/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "example.org",
            "",
            "https://",
            "https://user:secret@example.org/",
            "https://example.org:99999/",
            "https://[::1",
        ],
    )
    @pytest.mark.parametrize("make", [HTTPEventSink, BatchHTTPSink, http_sink, checked_url])
    def test_only_https_without_credentials(self, make: Callable[[str], object], url: str) -> None:
        with pytest.raises(InsecureURLError) as caught:
            make(url)
        assert "secret" not in str(caught.value)

    def test_allow_insecure_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        for make in (HTTPEventSink, BatchHTTPSink, http_sink):
            caplog.clear()
            make("http://localhost:1/", allow_insecure=True)
            assert [record.levelno for record in caplog.records] == [logging.WARNING]
        with pytest.raises(InsecureURLError):
            checked_url("ftp://localhost/", allow_insecure=True)

    def test_https_is_fine(self) -> None:
        assert checked_url("https://example.org:8443/v1") == "https://example.org:8443/v1"

    @pytest.mark.parametrize(
        "address",
        ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "172.16.0.1", "[::1]"],
    )
    def test_private_addresses_are_refused(self, address: str) -> None:
        with pytest.raises(InsecureURLError, match="not public"):
            require_public_host(f"https://{address}/")

    def test_every_address_of_a_name_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(InsecureURLError, match=r"10\.0\.0\.1"):
            require_public_host("https://example.org/")
        del found[1]
        require_public_host("https://example.org/")

    def test_a_name_that_does_not_resolve(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise socket.gaierror("no such name")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(InsecureURLError, match="no such name"):
            require_public_host("https://example.org/")


class TestEmitter:
    def test_a_failing_sink_does_not_stop_the_others(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken:
            def emit(self, event: Event) -> None:
                raise RuntimeError(event.name)

        sink = MemorySink()
        emitter = TelemetryEmitter("test")
        emitter.add_sink(Broken())
        emitter.add_sink(sink)
        emitter.emit("decision.made", {"a": 1})
        assert [one.name for one in sink.events] == ["decision.made"]
        assert "'Broken' failed" in caplog.text

    def test_memory_is_bounded(self) -> None:
        sink = MemorySink(maximum=3)
        for number in range(5):
            sink.emit(event(number))
        assert [one.data["number"] for one in sink.events] == [2, 3, 4]


class TestEventSink:
    def test_it_posts_json_with_headers(self, collector: Collector) -> None:
        sink = HTTPEventSink(collector.url, {"Authorization": "Bearer t"}, allow_insecure=True)
        sink.emit(event(7))
        assert collector.received == [event(7).to_dict()]
        assert collector.headers[0]["Authorization"] == "Bearer t"
        assert collector.headers[0]["Content-Type"] == "application/json"

    @pytest.mark.parametrize("status", [302, 307, 404, 500])
    def test_other_answers_are_logged(
        self, collector: Collector, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        collector.status = status
        collector.location = collector.url
        HTTPEventSink(collector.url, allow_insecure=True).emit(event())
        assert f"answered {status}" in caplog.text
        assert len(collector.headers) == 1, "a redirect was followed"

    def test_nobody_there_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
            HTTPEventSink(url, allow_insecure=True, timeout=5).emit(event())
        assert "was not delivered" in caplog.text

    def test_what_is_not_json_is_logged(
        self, collector: Collector, caplog: pytest.LogCaptureFixture
    ) -> None:
        sink = HTTPEventSink(collector.url, allow_insecure=True)
        sink.emit(event()._replace(data={"a": float("nan")}))
        sink.emit(event()._replace(data={"a": object()}))
        assert caplog.text.count("was not delivered") == 2
        assert collector.received == []


class TestBatchSink:
    def sink(self, collector: Collector, **settings: Any) -> BatchHTTPSink:
        return http_sink(collector.url, allow_insecure=True, **settings)

    def test_a_full_batch_is_sent_at_once(self, collector: Collector) -> None:
        sink = self.sink(collector, batch_size=3, flush_interval_seconds=3600)
        sink.start()
        sink.start()
        for number in range(3):
            sink.emit(event(number))
        wait_for(lambda: len(collector.received) == 1)
        sink.stop()
        assert numbers(collector.received) == [[0, 1, 2]]

    def test_the_interval_sends_what_there_is(self, collector: Collector) -> None:
        sink = self.sink(collector, flush_interval_seconds=0.1)
        sink.start()
        sink.emit(event(1))
        wait_for(lambda: len(collector.received) == 1)
        sink.stop()
        assert numbers(collector.received) == [[1]]

    def test_stop_sends_the_rest_in_order(self, collector: Collector) -> None:
        sink = self.sink(collector, batch_size=2)
        for number in range(5):
            sink.emit(event(number))
        sink.stop()
        assert numbers(collector.received) == [[0, 1], [2, 3], [4]]

    def test_what_has_no_room_is_dropped_and_counted(self, collector: Collector) -> None:
        sink = self.sink(collector, batch_size=1)
        for number in range(13):
            sink.emit(event(number))
        assert sink.dropped == 3
        sink.stop()
        assert numbers(collector.received) == [[number] for number in range(3, 13)]

    def test_an_undelivered_batch_waits(self, collector: Collector) -> None:
        collector.status = 503
        sink = self.sink(collector, batch_size=2)
        for number in range(3):
            sink.emit(event(number))
        sink.stop()
        assert collector.received == []
        collector.status = 200
        sink.stop()
        assert numbers(collector.received) == [[0, 1], [2]]

    def test_putting_back_into_a_full_buffer_drops_the_oldest(self, collector: Collector) -> None:
        sink = self.sink(collector, batch_size=1)
        for number in range(10):
            sink.emit(event(number))
        sink._put_back([event(99)])
        assert sink.dropped == 1
        sink.stop()
        assert numbers(collector.received) == [[number] for number in range(10)]
