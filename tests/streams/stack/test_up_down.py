"""`aegis up`, `status` and `down` with the real broker and registry."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from aegis_streams.stack import Layout, running_supervisor
from aegis_streams.stack.components.aegis import aegis
from aegis_streams.stack.leftovers import SUPERVISOR
from aegis_streams.stack.ports import ENVIRONMENT, Ports
from aegis_streams.stack.processes import ProcessIdentity, wait_until
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

SERVERS = ("up", "--only", "kafka,registry")


@dataclass
class Home:
    """A home directory and the ports of its stack."""

    path: Path
    ports: Ports = field(default_factory=Ports.free)

    @property
    def layout(self) -> Layout:
        return Layout(self.path)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        ports = {name: str(getattr(self.ports, key)) for key, name in ENVIRONMENT.items()}
        return subprocess.run(  # noqa: S603  # our own command
            aegis(*arguments),
            env={**os.environ, "AEGIS_HOME": str(self.path), **ports, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def status(self) -> Any:  # noqa: ANN401  # whatever JSON it prints
        return json.loads(self.run("status", "--json").stdout)

    def component(self, name: str) -> Any:  # noqa: ANN401  # whatever JSON it prints
        return next(each for each in self.status()["components"] if each["name"] == name)

    def create_topic(self, name: str) -> None:
        admin = self._admin()
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(20)

    def topics(self) -> set[str]:
        admin = self._admin()
        return set(admin.list_topics(timeout=10).topics)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": f"127.0.0.1:{self.ports.kafka}"})

    def pids(self) -> list[ProcessIdentity]:
        found = [ProcessIdentity.read(path) for path in self.layout.run.glob("*.pid")]
        return [each for each in found if each is not None and each.alive()]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    found = Home(stack_directory("up"))
    yield found
    found.run("down", "--wipe")
    shutil.rmtree(found.path)


@pytest.fixture
def up(home: Home) -> Home:
    done = home.run(*SERVERS)
    assert done.returncode == 0, done.stderr
    return home


def register_schema(home: Home, subject: str) -> int:
    body = {"schema": json.dumps({"type": "record", "name": "Stone", "fields": []})}
    return int(ask(home, "POST", f"/subjects/{subject}/versions", body)["id"])


def ask(home: Home, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
    connection = http.client.HTTPConnection("127.0.0.1", home.ports.registry, timeout=10)
    kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    connection.request(method, f"/apis/ccompat/v7{path}", json.dumps(body) if body else None, kind)
    return json.loads(connection.getresponse().read())


def test_before_the_first_start_nothing_runs(home: Home) -> None:
    done = home.run("status")
    assert done.returncode == 3
    assert "the stack does not run; `aegis up` starts it" in done.stdout
    assert home.run("down").stdout == "nothing was running\n"


def test_a_busy_port_is_named_before_anything_starts(home: Home) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", home.ports.registry))
        holder.listen()
        done = home.run(*SERVERS)
    assert done.returncode == 69
    assert f"port {home.ports.registry} (registry) is held by process {os.getpid()}" in done.stderr
    assert "AEGIS_REGISTRY_PORT=PORT aegis up" in done.stderr
    assert home.pids() == []


def test_up_is_ready_when_it_says_so(home: Home) -> None:
    done = home.run(*SERVERS)
    assert done.returncode == 0, done.stderr
    assert "kafka ready after" in done.stderr
    assert "registry ready after" in done.stderr
    assert home.topics() == set()
    assert ask(home, "GET", "/subjects") == []
    status = home.status()
    assert status["ready"]
    assert [each["name"] for each in status["components"]] == ["kafka", "registry"]
    assert home.run("status").returncode == 0


def test_a_second_up_changes_nothing_and_is_quick(up: Home) -> None:
    before = {each["name"]: each["pid"] for each in up.status()["components"]}
    began = time.monotonic()
    done = up.run(*SERVERS)
    assert time.monotonic() - began < 3
    assert done.returncode == 0
    assert {each["name"]: each["pid"] for each in up.status()["components"]} == before


def test_a_running_stack_does_not_move(up: Home) -> None:
    done = up.run(*SERVERS, AEGIS_KAFKA_PORT="1234")
    assert done.returncode == 69
    assert f"AEGIS_KAFKA_PORT={up.ports.kafka}; to move it to 1234, stop it first" in done.stderr


def test_a_killed_broker_comes_back_with_its_topics(up: Home) -> None:
    up.create_topic("kept")
    before = up.component("kafka")
    os.kill(before["pid"], signal.SIGKILL)
    assert wait_until(lambda: up.component("kafka")["restarts"] > before["restarts"], 30)
    assert up.run(*SERVERS).returncode == 0, "up waits until it is ready again"
    assert "kept" in up.topics()
    assert up.component("registry")["restarts"] == 0


def test_down_stops_everything_and_up_finds_everything_again(up: Home) -> None:
    schema = register_schema(up, "stone")
    done = up.run("down")
    assert done.returncode == 0
    assert done.stdout == "the stack is stopped\n"
    assert up.pids() == []
    up.ports.check_free(["kafka", "controller", "registry"])
    assert up.run("status").returncode == 3
    began = time.monotonic()
    assert up.run(*SERVERS).returncode == 0
    assert time.monotonic() - began < 20
    assert "kept" in up.topics()
    assert ask(up, "GET", f"/schemas/ids/{schema}")["schema"]


@pytest.mark.parametrize("verb", [("down",), SERVERS])
def test_a_dead_supervisor_does_not_get_in_the_way(up: Home, verb: tuple[str, ...]) -> None:
    supervisor = running_supervisor(up.layout)
    assert supervisor is not None
    supervisor.send(signal.SIGKILL)
    assert wait_until(lambda: not supervisor.alive(), 10)
    status = up.run("status")
    assert status.returncode == 3
    assert "the supervisor is gone and left processes behind" in status.stdout
    left = up.pids()
    assert len(left) == 2
    done = up.run(*verb)
    assert done.returncode == 0, done.stderr
    assert "left by a supervisor that died" in done.stderr
    assert not any(process.alive() for process in left)


def test_two_at_once_start_one_stack(up: Home) -> None:
    assert up.run("down").returncode == 0
    ports = {name: str(getattr(up.ports, key)) for key, name in ENVIRONMENT.items()}
    environ = {**os.environ, "AEGIS_HOME": str(up.path), **ports}
    both = [
        subprocess.Popen(aegis(*SERVERS), env=environ)  # noqa: S603  # our own command
        for _ in range(2)
    ]
    assert [each.wait(60) for each in both] == [0, 0]
    assert len(list(up.layout.run.glob("*.pid"))) == 3, "supervisor, kafka, registry"


def test_wipe_begins_anew_with_other_keys(up: Home) -> None:
    trust = (up.path / "trust.json").read_bytes()
    assert up.run("down", "--wipe").returncode == 0
    assert not (up.path / "data").exists()
    assert up.run(*SERVERS).returncode == 0
    assert up.topics() == set()
    assert (up.path / "trust.json").read_bytes() != trust
    assert up.layout.pid(SUPERVISOR).exists()


def test_up_without_java_names_what_to_install(tmp_path: Path) -> None:
    done = Home(tmp_path).run(*SERVERS, PATH="/nowhere")
    assert done.returncode == 69
    assert "Java 17 or newer is needed" in done.stderr
    assert "nstall" in done.stderr
