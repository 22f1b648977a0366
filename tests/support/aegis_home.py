"""A home directory and the `aegis` commands run on it, as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from aegis_streams.kafka.connection import connection
from aegis_streams.stack import Layout, Narrator, take_down
from aegis_streams.stack.components.aegis import aegis
from aegis_streams.stack.ports import ENVIRONMENT, Ports
from aegis_streams.stack.processes import ProcessIdentity

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class AegisHome:
    """A home directory and the ports of its stack.

    Attributes:
        path: The home directory.
        ports: Ports of its stack, free ones by default.
    """

    path: Path
    ports: Ports = field(default_factory=Ports.free)

    @property
    def layout(self) -> Layout:
        return Layout(self.path)

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which its commands run."""
        ports = {name: str(getattr(self.ports, key)) for key, name in ENVIRONMENT.items()}
        return {**os.environ, "AEGIS_HOME": str(self.path), **ports}

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run an `aegis` command to its end."""
        return subprocess.run(  # our own command
            aegis(*arguments),
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def status(self) -> Any:  # whatever JSON it prints
        return json.loads(self.run("status", "--json").stdout)

    def component(self, name: str) -> Any:  # whatever JSON it prints
        return next(each for each in self.status()["components"] if each["name"] == name)

    def create_topic(self, name: str) -> None:
        admin = self._admin()
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(20)

    def topics(self) -> set[str]:
        admin = self._admin()
        return set(admin.list_topics(timeout=10).topics)

    def _admin(self) -> AdminClient:
        return AdminClient(connection(f"127.0.0.1:{self.ports.kafka}"))

    def remove(self) -> None:
        """End and remove everything, even where the command line is what a test found broken."""
        with Narrator() as narrator:
            take_down(self.layout, narrator)
        shutil.rmtree(self.path)

    def pids(self) -> list[ProcessIdentity]:
        found = [ProcessIdentity.read(path) for path in self.layout.run.glob("*.pid")]
        return [each for each in found if each is not None and each.alive()]
