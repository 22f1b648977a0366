"""`aegis up`, `status` and `down` with the real broker and registry."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from aegis_streams.stack import running_supervisor
from aegis_streams.stack.components.aegis import aegis
from aegis_streams.stack.leftovers import SUPERVISOR
from aegis_streams.stack.processes import wait_until
from support.aegis_home import AegisHome
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

SERVERS = ("up", "--only", "kafka,registry")


@pytest.fixture(scope="module")
def home() -> Iterator[AegisHome]:
    found = AegisHome(stack_directory("up"))
    yield found
    found.remove()


@pytest.fixture
def up(home: AegisHome) -> AegisHome:
    done = home.run(*SERVERS)
    assert done.returncode == 0, done.stderr
    return home


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def register_schema(home: AegisHome, subject: str) -> int:
    body = {"schema": json.dumps({"type": "record", "name": "Stone", "fields": []})}
    return int(ask(home, "POST", f"/subjects/{subject}/versions", body)["id"])


def ask(home: AegisHome, method: str, path: str, body: object = None) -> Any:  # JSON
    connection = http.client.HTTPConnection("127.0.0.1", home.ports.registry, timeout=10)
    kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    connection.request(method, f"/apis/ccompat/v7{path}", json.dumps(body) if body else None, kind)
    return json.loads(connection.getresponse().read())


def test_before_the_first_start_nothing_runs(home: AegisHome) -> None:
    done = home.run("status")
    assert done.returncode == 3
    assert "the stack does not run; `aegis up` starts it" in done.stdout
    assert home.run("down").stdout == "nothing was running\n"
    told = json.loads(home.run("down", "--wipe", "--json").stdout)
    assert told == {"stopped": False, "wiped": True, "home": str(home.path)}


def test_a_busy_port_is_named_before_anything_starts(home: AegisHome) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", home.ports.registry))
        holder.listen()
        done = home.run(*SERVERS)
    assert done.returncode == 69
    assert f"port {home.ports.registry} (registry) is held by process {os.getpid()}" in done.stderr
    assert "AEGIS_REGISTRY_PORT=PORT aegis up" in done.stderr
    assert home.pids() == []


def test_up_is_ready_when_it_says_so(home: AegisHome) -> None:
    done = home.run(*SERVERS, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {"ready": True, "home": str(home.path), "components": ["kafka", "registry"]}
    assert "kafka ready after" in done.stderr
    assert "registry ready after" in done.stderr
    assert home.topics() == set()
    assert ask(home, "GET", "/subjects") == []
    status = home.status()
    assert status["ready"]
    assert [each["name"] for each in status["components"]] == ["kafka", "registry"]
    assert home.run("status").returncode == 0


def test_a_second_up_changes_nothing_and_is_quick(up: AegisHome) -> None:
    before = {each["name"]: each["pid"] for each in up.status()["components"]}
    began = cpu_of_children()
    done = up.run(*SERVERS)
    assert cpu_of_children() - began < 3, "seconds of work; the clock depends on the machine's load"
    assert done.returncode == 0
    assert done.stderr == ""
    assert {each["name"]: each["pid"] for each in up.status()["components"]} == before


def test_a_running_stack_does_not_move(up: AegisHome) -> None:
    done = up.run(*SERVERS, AEGIS_KAFKA_PORT="1234")
    assert done.returncode == 69
    assert f"AEGIS_KAFKA_PORT={up.ports.kafka}; to move it to 1234, stop it first" in done.stderr


def test_a_killed_broker_comes_back_with_its_topics(up: AegisHome) -> None:
    up.create_topic("kept")
    before = up.component("kafka")
    os.kill(before["pid"], signal.SIGKILL)
    assert wait_until(lambda: up.component("kafka")["restarts"] > before["restarts"], 30)
    assert up.run(*SERVERS).returncode == 0, "up waits until it is ready again"
    assert wait_until(lambda: "kept" in up.topics(), 30), "the broker may know it a moment later"
    assert up.component("registry")["restarts"] == 0


def test_down_stops_everything_and_up_finds_everything_again(up: AegisHome) -> None:
    schema = register_schema(up, "stone")
    done = up.run("down")
    assert done.returncode == 0
    assert done.stdout == "the stack is stopped\n"
    assert up.pids() == []
    up.ports.check_free(["kafka", "controller", "registry"])
    assert up.run("status").returncode == 3
    assert up.run(*SERVERS).returncode == 0
    assert wait_until(lambda: "kept" in up.topics(), 30), "the broker may know it a moment later"
    assert ask(up, "GET", f"/schemas/ids/{schema}")["schema"]


@pytest.mark.parametrize("verb", [("down",), SERVERS])
def test_a_dead_supervisor_does_not_get_in_the_way(up: AegisHome, verb: tuple[str, ...]) -> None:
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


def test_two_at_once_start_one_stack(up: AegisHome) -> None:
    assert up.run("down").returncode == 0
    both = [subprocess.Popen(aegis(*SERVERS), env=up.environ) for _ in range(2)]  # our own command
    assert [each.wait(60) for each in both] == [0, 0]
    assert len(list(up.layout.run.glob("*.pid"))) == 3, "supervisor, kafka, registry"


def test_wipe_begins_anew_with_other_keys(up: AegisHome) -> None:
    trust = (up.path / "trust.json").read_bytes()
    assert up.run("down", "--wipe").returncode == 0
    assert not (up.path / "data").exists()
    assert up.run(*SERVERS).returncode == 0
    assert up.topics() == set()
    assert (up.path / "trust.json").read_bytes() != trust
    assert up.layout.pid(SUPERVISOR).exists()


def test_up_without_java_names_what_to_install(tmp_path: Path) -> None:
    done = AegisHome(tmp_path).run(*SERVERS, PATH="/nowhere")
    assert done.returncode == 69
    assert "Java 17 or newer is needed" in done.stderr
    assert "nstall" in done.stderr
