"""A TCP proxy between clients and a server whose network can be made bad, route by route.

A route is one listening port that leads to one port behind it. Its weather holds for every
connection of the route, those that are open included:

- *delay*: each piece of data arrives that much later, in either direction; order is kept;
- *rate*: bytes a second and direction;
- *held*: connections stay open and nothing passes, as when a cable is out;
- *cut*: connections are reset and new ones refused, as by a firewall.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

HOST: Final = "127.0.0.1"
_PIECE: Final = 64 * 1024
_PIECES: Final = 64
"""Most pieces under way in one direction of one connection; then the sender has to wait."""
_ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Weather:
    """How a route treats what passes.

    Attributes:
        delay: Seconds that each piece takes longer.
        rate: Bytes a second, each direction.
        held: Whether nothing passes.
        cut: Whether connections are reset and refused.
    """

    delay: float = 0.0
    rate: float = math.inf
    held: bool = False
    cut: bool = False


FAIR: Final = Weather()


@dataclass
class _Route:
    listener: socket.socket
    behind: int
    weather: Weather = FAIR
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """All routes, served by one thread; a context manager.

    Args:
        routes: Name of each route -> port behind it on this machine.
    """

    def __init__(self, routes: Mapping[str, int]) -> None:
        self._routes = {name: _Route(_listener(), port) for name, port in routes.items()}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="chaos-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(lambda: None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_SECONDS)
        for route in self._routes.values():
            route.listener.close()

    def port(self, name: str) -> int:
        """Return the port on which a route listens."""
        return int(self._routes[name].listener.getsockname()[1])

    def set(self, name: str, weather: Weather = FAIR) -> None:
        """Change the weather of a route; it holds when this returns."""
        self._call(lambda: self._change(self._routes[name], weather))

    def connections(self, name: str) -> int:
        """Return how many connections a route carries."""
        return len(self._routes[name].writers) // 2

    # ------------------------------------------------------------------ in the proxy's thread

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        for route in self._routes.values():
            self._loop.create_task(self._accept(route))
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        for route in self._routes.values():
            _reset(route)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _call(self, do: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            do()
            done.set()

        self._loop.call_soon_threadsafe(run)
        if not done.wait(_ANSWER_SECONDS):
            raise AssertionError("the proxy does not answer")

    def _change(self, route: _Route, weather: Weather) -> None:
        route.weather = weather
        if weather.cut:
            _reset(route)
        changed, route.changed = route.changed, asyncio.Event()
        changed.set()

    async def _accept(self, route: _Route) -> None:
        await asyncio.start_server(
            lambda reader, writer: self._carry(route, reader, writer), sock=route.listener
        )

    async def _carry(
        self, route: _Route, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if route.weather.cut:
            _abort(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, route.behind)
        except OSError:
            _abort(writer)
            return
        both = {writer, far_writer}
        route.writers |= both
        pumps = [
            asyncio.ensure_future(_pump(route, reader, far_writer)),
            asyncio.ensure_future(_pump(route, far_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            route.writers -= both
            for each in both:
                each.close()


async def _pump(route: _Route, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_PIECES)
    now = asyncio.get_running_loop().time

    async def deliver() -> None:
        while True:
            arrived, data = await pieces.get()
            if not data:
                return
            while route.weather.held:
                await route.changed.wait()
            wait = max(arrived + route.weather.delay - now(), len(data) / route.weather.rate)
            if wait > 0:
                await asyncio.sleep(wait)
            writer.write(data)
            await writer.drain()

    delivery = asyncio.ensure_future(deliver())
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                await pieces.put((now(), data))
        await pieces.put((now(), b""))
        with contextlib.suppress(OSError):
            await delivery
    finally:
        delivery.cancel()


def _reset(route: _Route) -> None:
    for writer in route.writers:
        _abort(writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    if end is not None:  # without lingering the kernel sends a reset, not an orderly end
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _listener() -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((HOST, 0))
    made.listen(128)
    return made
