"""Kafka: one broker that is its own controller (KRaft)."""

from __future__ import annotations

import base64
import subprocess
import uuid
from typing import TYPE_CHECKING, ClassVar, Final

from aegis_streams.stack.component import Component
from aegis_streams.stack.components.java import LOGGING, class_path, jvm
from aegis_streams.stack.errors import ComponentError
from aegis_streams.stack.files import write_atomically
from aegis_streams.stack.layout import LOCAL_FILES
from aegis_streams.stack.ports import HOST
from aegis_streams.stack.probes import kafka_answers
from aegis_streams.stack.processes import piped

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAP_MEGABYTES: Final = 384
_FORMAT_SECONDS: Final = 60


class Kafka(Component):
    """The broker; its data directory is formatted once and survives every restart."""

    name: ClassVar[str] = "kafka"
    ports: ClassVar[tuple[str, ...]] = ("kafka", "controller")
    stop_seconds: ClassVar[float] = 20.0

    def prepare(self) -> None:
        """Write the configuration and format the data directory if it is new."""
        data = self.place.layout.data(self.name)
        data.mkdir(parents=True, exist_ok=True)
        shared = (LOCAL_FILES / "kafka.properties").read_text(encoding="utf-8")
        write_atomically(data / "server.properties", shared + self._own_lines())
        if not (data / "log" / "meta.properties").exists():
            self._format()

    def command(self) -> Sequence[str]:
        """Return the broker's command line."""
        config = str(self.place.layout.data(self.name) / "server.properties")
        return [
            *jvm(HEAP_MEGABYTES, "-Xms256m", *LOGGING),
            *class_path(self.place.jars / "kafka"),
            "kafka.Kafka",
            config,
        ]

    def ready(self) -> bool:
        """Whether the broker answers for itself."""
        return kafka_answers(self.place.ports.kafka)

    def _own_lines(self) -> str:
        ports, data = self.place.ports, self.place.layout.data(self.name)
        client, controller = f"{HOST}:{ports.kafka}", f"{HOST}:{ports.controller}"
        return (
            f"listeners=PLAINTEXT://{client},CONTROLLER://{controller}\n"
            f"advertised.listeners=PLAINTEXT://{client}\n"
            f"controller.quorum.voters=1@{controller}\n"
            f"log.dirs={data / 'log'}\n"
        )

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        config = str(self.place.layout.data(self.name) / "server.properties")
        command = [
            *jvm(128, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
            *class_path(self.place.jars / "kafka"),
            "kafka.tools.StorageTool",
            *("format", f"--cluster-id={cluster}", "-c", config),  # it may begin with a dash
        ]
        with piped(command) as process:
            try:
                output = process.communicate(timeout=_FORMAT_SECONDS)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                output = f"no end after {_FORMAT_SECONDS} s"
        if process.returncode != 0:
            raise ComponentError(f"kafka: its data directory cannot be formatted: {output[-1500:]}")
