"""The proxy of the chaos runs, between a client and an echo."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from chaos.proxy import FAIR, HOST, Proxy, Weather

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10.0


def _echo(connection: socket.socket) -> None:
    with connection, contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            connection.sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                threading.Thread(target=_echo, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        port = server.getsockname()[1]
        with Proxy({"one": port, "other": port}) as made:
            yield made


@contextmanager
def client(proxy: Proxy, route: str = "one") -> Iterator[socket.socket]:
    with socket.create_connection((HOST, proxy.port(route)), SECONDS) as made:
        yield made


def is_reset(connection: socket.socket) -> bool:
    """Whether the other side is gone, and not in good order."""
    try:
        while True:
            connection.sendall(b"?")
            if not connection.recv(65536):
                return False
    except ConnectionError:
        return True


def said(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    found = b""
    while len(found) < len(data):
        more = connection.recv(65536)
        if not more:
            return found
        found += more
    return found


def test_what_is_sent_arrives_in_order(proxy: Proxy) -> None:
    data = bytes(range(256)) * 4_000
    with client(proxy) as connection:
        assert said(connection, data[:3]) == data[:3]
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        found = b""
        while len(found) < len(data):
            found += connection.recv(65536)
        sender.join(SECONDS)
    assert found == data


def test_an_end_is_passed_on(proxy: Proxy) -> None:
    with client(proxy) as connection:
        assert said(connection, b"x") == b"x"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_delay_holds_in_both_directions_and_ends(proxy: Proxy) -> None:
    with client(proxy) as connection:
        assert said(connection, b"before") == b"before"
        proxy.set("one", Weather(delay=0.2))
        began = time.monotonic()
        assert said(connection, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.4
        proxy.set("one", FAIR)
        assert said(connection, b"after") == b"after"


def test_a_rate_holds_for_each_direction(proxy: Proxy) -> None:
    with client(proxy) as connection:
        proxy.set("one", Weather(rate=100_000))
        began = time.monotonic()
        assert said(connection, bytes(20_000)) == bytes(20_000)
        assert time.monotonic() - began >= 0.2


def test_nothing_passes_while_it_is_held_and_all_of_it_afterwards(proxy: Proxy) -> None:
    with client(proxy) as connection:
        assert said(connection, b"before") == b"before"
        proxy.set("one", Weather(held=True))
        connection.sendall(b"held")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        proxy.set("one", FAIR)
        connection.settimeout(SECONDS)
        assert connection.recv(10) == b"held"


def test_a_cut_resets_what_is_open_and_refuses_the_rest(proxy: Proxy) -> None:
    with client(proxy) as connection:
        assert said(connection, b"before") == b"before"
        proxy.set("one", Weather(cut=True))
        assert is_reset(connection)
        with contextlib.suppress(ConnectionError), client(proxy) as late:
            assert is_reset(late)
        with client(proxy, "other") as elsewhere:
            assert said(elsewhere, b"fine") == b"fine"
        proxy.set("one", FAIR)
        with client(proxy) as again:
            assert said(again, b"again") == b"again"


def test_a_server_that_is_away_is_a_reset() -> None:
    with socket.create_server((HOST, 0)) as nobody:
        port = nobody.getsockname()[1]
    with Proxy({"dead": port}) as dead:
        with contextlib.suppress(ConnectionError), client(dead, "dead") as connection:
            assert is_reset(connection)
        assert dead.connections("dead") == 0
