"""The ports of a local stack: chosen by the environment, checked before anything starts."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import psutil

from aegis_streams.errors import SettingsError
from aegis_streams.stack.errors import PortBusyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOST: Final = "127.0.0.1"
"""The local stack listens for this machine alone."""
_HIGHEST: Final = 65_535
ENVIRONMENT: Final[Mapping[str, str]] = {
    "kafka": "AEGIS_KAFKA_PORT",
    "controller": "AEGIS_CONTROLLER_PORT",
    "registry": "AEGIS_REGISTRY_PORT",
    "decide_metrics": "AEGIS_DECIDE_METRICS_PORT",
    "seal_metrics": "AEGIS_SEAL_METRICS_PORT",
    "postgres": "AEGIS_POSTGRES_PORT",
    "connect": "AEGIS_CONNECT_PORT",
    "sink_metrics": "AEGIS_SINK_METRICS_PORT",
}
"""Field of `Ports` -> environment variable."""


@dataclass(frozen=True)
class Ports:
    """TCP ports of one stack on the loopback address, each 1 to 65535.

    Attributes:
        kafka: Where clients reach the broker.
        controller: Where the broker reaches its own controller.
        registry: Where clients reach the schema registry.
        decide_metrics: Metrics and health of the decider.
        seal_metrics: Metrics and health of the sealer.
        postgres: Where clients reach the audit database.
        connect: Kafka Connect's REST interface.
        sink_metrics: Metrics and health of the sink's keeper.
    """

    kafka: int = 19092
    controller: int = 19093
    registry: int = 18081
    decide_metrics: int = 19464
    seal_metrics: int = 19465
    postgres: int = 15432
    connect: int = 18083
    sink_metrics: int = 19466

    def __post_init__(self) -> None:
        given = [getattr(self, field.name) for field in fields(self)]
        for field, port in zip(fields(self), given, strict=True):
            if not 1 <= port <= _HIGHEST:
                raise SettingsError(f"{ENVIRONMENT[field.name]}={port}: must be 1 to 65535")
            if given.count(port) > 1:
                raise SettingsError(
                    f"{ENVIRONMENT[field.name]}={port}: another port of the stack has this number"
                )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Ports:
        """Read the ports from the environment, else their defaults.

        Raises:
            SettingsError: A value is no port, or two are the same.
        """
        return cls(**cls.chosen(os.environ if environ is None else environ))

    @staticmethod
    def chosen(environ: Mapping[str, str]) -> dict[str, int]:
        """Return the ports that the environment names.

        Raises:
            SettingsError: A value is no number.
        """
        named = ((key, name) for key, name in ENVIRONMENT.items() if environ.get(name))
        return {key: _number(name, environ[name]) for key, name in named}

    @classmethod
    def free(cls) -> Ports:
        """Return ports that nobody listens on at this moment."""
        sockets = [socket.socket() for _ in fields(cls)]
        try:
            for each in sockets:
                each.bind((HOST, 0))
            return cls(*(each.getsockname()[1] for each in sockets))
        finally:
            for each in sockets:
                each.close()

    def check_free(self, keys: Sequence[str]) -> None:
        """Refuse to go on while one of the named ports is taken.

        Raises:
            PortBusyError: Names the port, who holds it and how to choose another.
        """
        for key in keys:
            port = getattr(self, key)
            if not _is_free(port):
                raise PortBusyError(
                    f"port {port} ({key.replace('_', ' ')}) is held by {_holder(port)}. "
                    f"Stop that, or choose another port: {ENVIRONMENT[key]}=PORT aegis up"
                )


def _number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise SettingsError(f"{name}={value!r}: must be a port number, 1 to 65535") from error


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            here = connection.laddr and connection.laddr.port == port
            if here and connection.status == psutil.CONN_LISTEN and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"process {connection.pid} ({command[:80]})"
    except psutil.Error:
        pass
    return "a process that this user may not look at"
