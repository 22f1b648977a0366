"""The schema registry: Apicurio with a file database, so that schemas survive its restart."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, ClassVar, Final

from aegis_streams.stack.addresses import CONFLUENT_API
from aegis_streams.stack.component import Component
from aegis_streams.stack.components.java import jvm
from aegis_streams.stack.errors import ComponentError
from aegis_streams.stack.ports import HOST
from aegis_streams.stack.probes import http_get

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEAP_MEGABYTES: Final = 256
_MARK: Final = "aegis.ready"
"""File in the data directory: the registry has been ready."""


class Registry(Component):
    """The registry, in Confluent's API below `CONFLUENT_API`."""

    name: ClassVar[str] = "registry"
    ports: ClassVar[tuple[str, ...]] = ("registry",)

    def prepare(self) -> None:
        """Make the directory of its database; one that never became ready begins anew.

        A registry that is killed while it makes its tables leaves half of them, and never starts
        again. Nobody has registered anything before it was ready.
        """
        data = self.place.layout.data(self.name)
        if not (data / _MARK).exists():
            shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True, exist_ok=True)

    def command(self) -> Sequence[str]:
        """Return the registry's command line."""
        runners = sorted((self.place.jars / "registry").glob("*-runner.jar"))
        if not runners:
            raise ComponentError(
                f"registry: no program below {self.place.jars}; remove that directory and run "
                "`aegis up` again"
            )
        return [
            *jvm(HEAP_MEGABYTES, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            f"-Dquarkus.http.host={HOST}",
            f"-Dquarkus.http.port={self.place.ports.registry}",
            f"-Dquarkus.datasource.jdbc.url={self._database()}",
            "-Dquarkus.log.console.color=false",
            "-jar",
            str(runners[0]),
        ]

    def environment(self) -> Mapping[str, str]:
        """Name the database a second time: the program reads both places."""
        return {"REGISTRY_DATASOURCE_URL": self._database()}

    def ready(self) -> bool:
        """Whether it answers a question about schemas."""
        answers = http_get(self.place.ports.registry, f"{CONFLUENT_API}/subjects") is not None
        if answers:
            (self.place.layout.data(self.name) / _MARK).touch()
        return answers

    def _database(self) -> str:
        """Return the address of the file database, which writes before it answers.

        By default it writes up to half a second later. A registry that is killed in between
        forgets the schema and gives its id to the next one.
        """
        return f"jdbc:h2:file:{self.place.layout.data(self.name) / 'schemas'};WRITE_DELAY=0"
