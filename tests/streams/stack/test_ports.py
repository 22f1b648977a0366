"""Ports are chosen by the environment, and a busy one is named with its holder."""

from __future__ import annotations

import os
import socket

import pytest

from aegis_streams.errors import SettingsError
from aegis_streams.stack.errors import PortBusyError
from aegis_streams.stack.ports import Ports


def test_ports_come_from_the_environment() -> None:
    ports = Ports.load({"AEGIS_KAFKA_PORT": "9092", "AEGIS_REGISTRY_PORT": ""})
    assert ports.kafka == 9092
    assert ports.registry == Ports().registry


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"AEGIS_KAFKA_PORT": "none"}, "AEGIS_KAFKA_PORT='none': must be a port number"),
        ({"AEGIS_KAFKA_PORT": "0"}, "AEGIS_KAFKA_PORT=0: must be 1 to 65535"),
        ({"AEGIS_REGISTRY_PORT": "70000"}, "AEGIS_REGISTRY_PORT=70000: must be 1 to 65535"),
        ({"AEGIS_KAFKA_PORT": "19093"}, "AEGIS_KAFKA_PORT=19093: another port of the stack"),
    ],
)
def test_a_port_that_cannot_be_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Ports.load(environ)


def test_a_busy_port_is_named_with_its_holder_and_the_way_out() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PortBusyError) as caught:
            Ports(kafka=port).check_free(["kafka"])
    text = str(caught.value)
    assert f"port {port} (kafka) is held by process {os.getpid()} (" in text
    assert "AEGIS_KAFKA_PORT=PORT aegis up" in text


def test_only_the_ports_that_are_used_must_be_free() -> None:
    free = Ports.free()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free.seal_metrics))
        holder.listen()
        free.check_free(["kafka", "registry"])
        with pytest.raises(PortBusyError, match="seal metrics"):
            free.check_free(["kafka", "seal_metrics"])


def test_a_port_that_was_just_left_counts_as_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java's servers do
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted = server.accept()[0]
            accepted.close()
            assert client.recv(1) == b""
    Ports(kafka=port).check_free(["kafka"])
