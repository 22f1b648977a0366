"""The two servers as containers, for machines where a container engine answers.

Kafka reads the same shared settings as the local stack (deploy/local/kafka.properties).
``AEGIS_TEST_ENGINE=local`` keeps away from containers even then.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Self

from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from aegis_streams.stack.addresses import CONFLUENT_API
from aegis_streams.stack.layout import LOCAL_FILES
from aegis_streams.stack.ports import HOST, Ports
from aegis_streams.stack.probes import http_get, kafka_answers
from aegis_streams.stack.processes import wait_until

if TYPE_CHECKING:
    from types import TracebackType

KAFKA_IMAGE: Final = "apache/kafka:4.2.0"
REGISTRY_IMAGE: Final = "apicurio/apicurio-registry-mem:2.6.13.Final"
_READY_SECONDS: Final = 90.0
_INSIDE: Final = {"kafka": 9092, "registry": 8080}


def engine_answers() -> bool:
    """Whether a container engine can be used here and is not declined."""
    if os.environ.get("AEGIS_TEST_ENGINE") == "local":
        return False
    try:
        return bool(DockerClient(timeout=3).client.ping())
    except Exception:  # noqa: BLE001  # whatever it is, there is no engine to be had
        return False


class ContainerStack:
    """Kafka and the registry in containers whose host ports stay the same over restarts."""

    def __init__(self) -> None:
        ports = Ports.free()
        self._ports = {"kafka": ports.kafka, "registry": ports.registry}
        self._containers = {
            "kafka": DockerContainer(KAFKA_IMAGE),
            "registry": DockerContainer(REGISTRY_IMAGE),
        }
        for name, container in self._containers.items():
            container.with_bind_ports(_INSIDE[name], self._ports[name])
        for key, value in kafka_environment(ports.kafka).items():
            self._containers["kafka"].with_env(key, value)
        for key in ("REGISTRY_DATASOURCE_URL", "QUARKUS_DATASOURCE_JDBC_URL"):
            self._containers["registry"].with_env(key, "jdbc:h2:file:/tmp/schemas;WRITE_DELAY=0")

    @property
    def bootstrap(self) -> str:
        """Kafka bootstrap servers."""
        return f"{HOST}:{self._ports['kafka']}"

    @property
    def registry_url(self) -> str:
        """The registry in Confluent's API."""
        return f"http://{HOST}:{self._ports['registry']}{CONFLUENT_API}"

    def __enter__(self) -> Self:
        try:
            for container in self._containers.values():
                container.start()
            for name in self._containers:
                self._wait_ready(name)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def restart(self, name: str, *, kill: bool = False) -> None:
        """End a server and start it again in the same container."""
        container = self._containers[name].get_wrapped_container()
        if kill:
            container.kill()
        else:
            container.stop()
        container.start()
        self._wait_ready(name)

    def freeze(self, name: str) -> None:
        """Pause the container."""
        self._containers[name].get_wrapped_container().pause()

    def resume(self, name: str) -> None:
        """Let the container run on."""
        self._containers[name].get_wrapped_container().unpause()

    def _stop(self) -> None:
        for container in reversed(self._containers.values()):
            container.stop()

    def _wait_ready(self, name: str) -> None:
        if not wait_until(lambda: self._ready(name), _READY_SECONDS):
            raise AssertionError(f"the {name} container is not ready after {_READY_SECONDS:.0f} s")

    def _ready(self, name: str) -> bool:
        port = self._ports[name]
        if name == "kafka":
            return kafka_answers(port)
        return http_get(port, f"{CONFLUENT_API}/subjects") is not None


def kafka_environment(port: int) -> dict[str, str]:
    """Return the settings of the broker image: the shared file, and listeners for this port."""
    shared = (LOCAL_FILES / "kafka.properties").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in shared if "=" in line and not line.startswith("#")]
    own = {
        "listeners": f"PLAINTEXT://0.0.0.0:{_INSIDE['kafka']},CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": "1@127.0.0.1:9093",
    }
    return {
        f"KAFKA_{key.upper().replace('.', '_')}": value
        for key, value in {**dict(pairs), **own}.items()
    }
