"""A schema registry in this process: the few calls of Confluent's interface that we make."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class FakeRegistry:
    """What the registry holds, and how it misbehaves.

    Attributes:
        texts: Schema texts by id.
        subjects: Ids of each subject's versions, in the order of their first registration.
        levels: Compatibility level by subject.
        answer: If set, the status and body of every answer.
        delay: Seconds before each answer.
        requests: Method and path of every call.
        most: Most calls open at the same time so far.
    """

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.subjects: dict[str, list[int]] = {}
        self.levels: dict[str, str] = {}
        self.schema_type: str | None = None
        self.answer: tuple[int, bytes] | None = None
        self.delay = 0.0
        self.requests: list[str] = []
        self.most = 0
        self.url = ""
        self._open = 0
        self._counting = Lock()

    def asked(self) -> list[int]:
        """Return the schema ids that were asked for, in order."""
        paths = [request.partition("?")[0] for request in self.requests]
        return [int(path.rpartition("/")[2]) for path in paths if path.startswith("GET /schemas/")]

    def serve(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer one call, in the time that an answer takes."""
        with self._counting:
            self._open += 1
            self.most = max(self.most, self._open)
        try:
            time.sleep(self.delay)
            return self.respond(method, path, body)
        finally:
            with self._counting:
                self._open -= 1

    def register(self, subject: str, text: str) -> dict[str, Any]:
        """Register a text; the same text has one id everywhere."""
        known = {held: number for number, held in self.texts.items()}
        number = known.setdefault(text, len(self.texts) + 1)
        self.texts[number] = text
        versions = self.subjects.setdefault(subject, [])
        versions += [number] if number not in versions else []
        return {"id": number}

    def respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer one call."""
        self.requests.append(f"{method} {path}")
        if self.answer is not None:
            return self.answer
        parts = path.partition("?")[0].strip("/").split("/")
        match method, parts:
            case "POST", ["subjects", subject, "versions"]:
                return found(self.register(subject, json.loads(body)["schema"]))
            case "GET", ["subjects", subject, "versions", *version]:
                return self.versions(subject, *version)
            case "PUT", ["config", subject] if subject in self.subjects:
                self.levels[subject] = json.loads(body)["compatibility"]
                return found({"compatibility": self.levels[subject]})
            case "GET", ["schemas", "ids", number]:
                return self.schema(int(number))
        return 404, b"<html>nothing here</html>"

    def schema(self, number: int) -> tuple[int, bytes]:
        """Answer which schema has an id."""
        if number not in self.texts:
            return missing(40403, "Schema not found")
        kind = {"schemaType": self.schema_type} if self.schema_type else {}
        return found({"schema": self.texts[number], **kind})

    def versions(self, subject: str, version: str = "") -> tuple[int, bytes]:
        """Answer which versions a subject has, or one of them."""
        if subject not in self.subjects:
            return missing(40401, "Subject not found")
        numbers = self.subjects[subject]
        if not version:
            return found([*range(1, len(numbers) + 1)])
        number = numbers[int(version) - 1]
        told = {"subject": subject, "version": int(version), "id": number}
        return found({**told, "schema": self.texts[number]})


def found(answer: object) -> tuple[int, bytes]:
    """A good answer."""
    return 200, json.dumps(answer).encode()


def missing(code: int, message: str) -> tuple[int, bytes]:
    """The registry's own answer that it has no such thing."""
    return 404, json.dumps({"error_code": code, "message": message}).encode()


@contextmanager
def fake_registry() -> Iterator[FakeRegistry]:
    """Run a registry on a free port."""
    registry = FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body = registry.serve(self.command, self.path, self.rfile.read(length))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - names that the server looks up

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
