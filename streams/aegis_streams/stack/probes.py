"""Asking a component whether it does its work: short, bounded and without exceptions."""

from __future__ import annotations

import http.client
import socket
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from aegis_streams.kafka.connection import connection
from aegis_streams.stack.ports import HOST

_SECONDS: Final = 1.0


def listening(port: int) -> bool:
    """Whether anything accepts connections on a port of this machine."""
    try:
        with socket.create_connection((HOST, port), timeout=_SECONDS):
            return True
    except OSError:
        return False


def http_get(port: int, path: str) -> str | None:
    """Return the body of a 200 answer from this machine, None for any other outcome."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == http.client.OK else None


def kafka_answers(port: int) -> bool:
    """Whether the broker on this port knows of itself, so that clients can work with it."""
    if not listening(port):
        return False
    client = AdminClient(
        {
            **connection(f"{HOST}:{port}"),
            "socket.timeout.ms": int(_SECONDS * 1000),
            "log_level": 0,
        }
    )
    try:
        return bool(client.list_topics(timeout=_SECONDS).brokers)
    except KafkaException:
        return False
