"""Kafka Connect: one distributed worker, which carries the audit log to PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from aegis_streams.sink.migrations import CONNECT_FILES
from aegis_streams.stack.component import Component
from aegis_streams.stack.components.java import LOGGING, class_path, jvm
from aegis_streams.stack.files import write_atomically
from aegis_streams.stack.ports import HOST
from aegis_streams.stack.probes import http_get

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAP_MEGABYTES: Final = 384
_QUIET: Final = "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.connect.runtime.rest.RestServer=warn"
"""The keeper asks every second; that is not logged."""
_INTERNAL_TOPICS: Final = ("config", "offset", "status")


class Connect(Component):
    """The worker; its connectors are kept by the component ``sink``."""

    name: ClassVar[str] = "connect"
    needs: ClassVar[tuple[str, ...]] = ("kafka",)
    ports: ClassVar[tuple[str, ...]] = ("connect",)
    ready_seconds: ClassVar[float] = 180.0

    def prepare(self) -> None:
        """Write its configuration."""
        data = self.place.layout.data(self.name)
        data.mkdir(parents=True, exist_ok=True)
        shared = (CONNECT_FILES / "worker.properties").read_text(encoding="utf-8")
        write_atomically(data / "worker.properties", shared + self._own_lines())

    def command(self) -> Sequence[str]:
        """Return the worker's command line."""
        return [
            *jvm(HEAP_MEGABYTES, "-XX:+UseSerialGC", *LOGGING, _QUIET),
            *class_path(self.place.jars / "kafka"),
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(self.place.layout.data(self.name) / "worker.properties"),
        ]

    def ready(self) -> bool:
        """Whether it answers about its connectors."""
        return http_get(self.place.ports.connect, "/connectors") is not None

    def _own_lines(self) -> str:
        place = self.place
        replication = [f"{each}.storage.replication.factor=1\n" for each in _INTERNAL_TOPICS]
        return (
            f"bootstrap.servers={HOST}:{place.ports.kafka}\n"
            f"listeners=http://{HOST}:{place.ports.connect}\n"
            f"plugin.path={place.jars / 'plugins'}\n"
            f"config.providers.dir.param.allowed.paths={place.layout.secrets}\n"
        ) + "".join(replication)
