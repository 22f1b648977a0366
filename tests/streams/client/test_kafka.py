"""The seam to the Kafka library: what is a record, what passes, what does not answer."""

from __future__ import annotations

import socket

import pytest
from confluent_kafka import KafkaError

from aegis_streams.client.kafka import (
    PARTITION_EOF,
    Record,
    open_consumer,
    open_producer,
    record_of,
)
from aegis_streams.errors import UnavailableError
from support.decisions import as_error, as_message


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("servers", ["127.0.0.1:{port}", "127.0.0.1:{port}, localhost:{port}", ""])
def test_nothing_that_listens_is_told_at_once_with_what_to_type(servers: str) -> None:
    bootstrap = servers.format(port=unused_port())
    with pytest.raises(UnavailableError, match=r"nothing listens there.*`aegis up`"):
        open_producer(bootstrap, 10)
    with pytest.raises(UnavailableError, match="aegis status"):
        open_consumer(bootstrap)


def test_one_listening_server_of_several_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        bootstrap = f"127.0.0.1:{unused_port()},127.0.0.1:{port}"
        open_consumer(bootstrap).close()


def test_a_record_comes_out_as_it_lies() -> None:
    record = Record("aegis.decisions", 3, 9, b"key", None)
    assert record_of(as_message(record)) == record


@pytest.mark.parametrize(
    ("code", "retriable"),
    [(PARTITION_EOF, False), (KafkaError._ALL_BROKERS_DOWN, False), (7, True)],
)
def test_what_passes_by_itself_is_no_record(code: int, *, retriable: bool) -> None:
    assert record_of(as_error(code, retriable=retriable)) is None


@pytest.mark.parametrize(
    "code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._AUTHENTICATION, KafkaError._FATAL]
)
def test_what_does_not_pass_is_raised(code: int) -> None:
    with pytest.raises(UnavailableError, match=r"aegis\.decisions: cannot be read"):
        record_of(as_error(code))
