from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from aegis_governance.cli.app import main as aegis
from aegis_streams.settings import ENVIRONMENT
from support.containers import KAFKA_IMAGE
from support.tools import compose_parser

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
PORTS = {"decider": "9090", "prometheus": "9091", "grafana": "3000"}
JOBS = {"keys", "topics", "database", "cli"}
WRITES_INTO_ITS_TREE = {"kafka"}
TEST_ONLY = {"AEGIS_TEST_FAULTS", "AEGIS_TEST_SIGN_JOURNAL"}


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    """The file as Compose understands it: the parser of the specification has to accept it."""
    done = subprocess.run(
        [str(compose_parser()), "--format", "json", str(FILE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def services(model: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = model["services"]
    return found


def own_environment(service: dict[str, Any]) -> set[str]:
    return {name for name in service.get("environment", {}) if name.startswith("AEGIS_")}


def test_the_parser_refuses_what_the_specification_does_not_know(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {a: {image: b, helthcheck: {}}}\n", encoding="utf-8")
    done = subprocess.run([str(compose_parser()), str(wrong)], capture_output=True, check=False)
    assert done.returncode != 0
    assert b"helthcheck" in done.stdout + done.stderr


def test_every_part_of_the_stack_is_there(model: dict[str, Any]) -> None:
    parts = {"kafka", "registry", "connect", "postgres", "decider", "sealer", "sink"}
    assert set(services(model)) == parts | JOBS | {"prometheus", "grafana"}


def test_ports_are_those_of_the_guide_on_the_loopback_address(model: dict[str, Any]) -> None:
    for name, service in services(model).items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name
    for name, published in PORTS.items():
        assert [port["published"] for port in services(model)[name]["ports"]] == [published]


def test_every_service_is_hardened(model: dict[str, Any]) -> None:
    for name, service in services(model).items():
        user, _, group = service["user"].partition(":")
        assert int(user) > 0, name
        assert group, name
        assert service["read_only"] or name in WRITES_INTO_ITS_TREE, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert service["logging"]["options"]["max-size"], name


def test_every_service_has_a_health_check_and_a_restart_policy(model: dict[str, Any]) -> None:
    for name, service in services(model).items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert {"interval", "timeout", "retries"} <= set(service["healthcheck"]), name
        wanted = ("on-failure", "no") if name in JOBS else ("unless-stopped",)
        assert service["restart"] in wanted, name


def test_every_image_is_pinned(model: dict[str, Any]) -> None:
    for name, service in services(model).items():
        repository, _, tag = service["image"].partition(":")
        assert repository, name
        assert re.match(r"v?\d+\.\d+", tag), f"{name}: {service['image']}"
    for file in (ROOT / "Dockerfile", *(ROOT / "deploy" / "docker").glob("*Dockerfile")):
        text = file.read_text(encoding="utf-8")
        for image in re.findall(r"^FROM (\S+:\S+)", text, re.MULTILINE):
            assert re.search(r":\d+\.\d+\.\d+", image), f"{file.name}: {image}"
        assert "USER 1000:1000" in text
        assert "HEALTHCHECK" in text


def test_versions_are_those_of_the_local_stack(model: dict[str, Any]) -> None:
    pom = (ROOT / "deploy" / "local" / "pom.xml").read_text(encoding="utf-8")
    versions = dict(re.findall(r"<(\w+)\.version>([^<]+)<", pom))
    images = {name: service["image"] for name, service in services(model).items()}
    assert images["kafka"] == f"apache/kafka:{versions['kafka']}" == KAFKA_IMAGE
    assert images["connect"] == f"aegis-connect:{versions['kafka']}"
    assert images["registry"] == f"aegis-registry:{versions['registry']}"


def test_every_mounted_file_exists_and_is_shared_not_repeated(model: dict[str, Any]) -> None:
    sources = set()
    for name, service in services(model).items():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                source = Path(volume["source"])
                assert source.exists(), f"{name}: {source}"
                assert volume["read_only"], f"{name}: {source}"
                sources.add(str(source.relative_to(ROOT)))
            else:
                assert volume["source"] in model["volumes"], name
    assert {"deploy/local/kafka.properties", "deploy/local/postgresql.conf"} <= sources
    dockerfile = (ROOT / "deploy" / "docker" / "jvm.Dockerfile").read_text(encoding="utf-8")
    for path in re.findall(r"^COPY (?:--chmod=\d+ )?(deploy/\S+)", dockerfile, re.MULTILINE):
        assert (ROOT / path).exists(), path
    assert "COPY --chmod=0444 deploy/connect/worker.properties" in dockerfile


def test_environment_variables_are_known_and_none_is_for_tests(model: dict[str, Any]) -> None:
    known = set(ENVIRONMENT.values()) - TEST_ONLY
    for name, service in services(model).items():
        assert own_environment(service) <= known, name
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"\bAEGIS_[A-Z_]+", dockerfile)) <= known


def test_secrets_come_from_files_that_a_command_makes(model: dict[str, Any]) -> None:
    script = (ROOT / "deploy" / "docker" / "secrets.sh").read_text(encoding="utf-8")
    assert set(model["secrets"]) <= set(re.findall(r"\w+_password", script))
    for name, service in services(model).items():
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key:
                assert value.startswith("/run/secrets/"), f"{name}: {key}"
            assert not re.search(r"://[^/@]+:[^/@]+@", str(value)), f"{name}: {key}"


def test_only_the_sealer_holds_the_keys(model: dict[str, Any]) -> None:
    holders = {
        name: volume.get("read_only", False)
        for name, service in services(model).items()
        for volume in service.get("volumes", [])
        if volume["source"] == "keys"
    }
    assert holders == {"keys": False, "sealer": True}


def test_the_commands_are_ours(model: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    for service in services(model).values():
        command = service.get("command") or []
        if service["image"].startswith("aegis-governance") and command:
            verbs = [word for word in command if not word.startswith("-")][:2]
            assert aegis([verbs[0], "--help"]) == 0
            assert verbs[1] in capsys.readouterr().out


def test_containers_start_nothing_before_what_they_need(model: dict[str, Any]) -> None:
    needs = {name: set(service.get("depends_on", {})) for name, service in services(model).items()}
    assert needs["topics"] == {"kafka", "registry"}
    assert needs["decider"] == {"topics"}
    assert needs["sealer"] == {"topics", "keys"}
    assert needs["database"] == {"postgres"}
    assert "database" in needs["connect"]


def test_the_shared_broker_settings_leave_room_for_the_containers(model: dict[str, Any]) -> None:
    """What the image is told by the environment must not contradict the shared file unseen."""
    shared = (ROOT / "deploy" / "local" / "kafka.properties").read_text(encoding="utf-8")
    names = {line.split("=")[0] for line in shared.splitlines() if re.match(r"[a-z]", line)}
    given = {
        key.removeprefix("KAFKA_").lower().replace("_", ".")
        for key in services(model)["kafka"]["environment"]
        if key.startswith("KAFKA_") and key != "KAFKA_HEAP_OPTS"
    }
    assert names & given == {"listener.security.protocol.map"}


@pytest.mark.parametrize("script", sorted((ROOT / "deploy" / "docker").glob("*.sh")), ids=str)
def test_scripts_parse_and_can_be_run(script: Path) -> None:
    shell = script.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!")
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert script.stat().st_mode & 0o111


def test_the_file_is_what_yaml_alone_reads_too() -> None:
    loaded = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert loaded["name"] == "aegis"
