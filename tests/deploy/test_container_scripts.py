"""The scripts of the images, run here: no container engine is needed for what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.trust_file import load_trust
from aegis_streams.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "deploy" / "docker"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the image and docker-compose.yml set, with a home of its own and `aegis` on the path."""
    for part in ("keys", "trust"):
        (tmp_path / part).mkdir(mode=0o700)
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AEGIS_HOME": str(tmp_path),
        "AEGIS_TRUST_FILE": str(tmp_path / "trust" / "trust.json"),
        "AEGIS_DEPLOYMENT": "aegis",
        "AEGIS_REGION": "compose",
        "AEGIS_EPOCH": "1",
        "AEGIS_PARTITIONS": "4",
    }


def keys(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPTS / "keys.sh")], env=environment, capture_output=True, text=True, check=False
    )


def test_keys_are_made_once_and_believed(environment: dict[str, str]) -> None:
    assert keys(environment).returncode == 0
    settings = Settings.load(environment)
    held = {file: file.read_bytes() for file in settings.keys_dir.iterdir()}
    trusted = settings.trust_file.read_bytes()
    assert settings.origin(3) in load_trust(settings.trust_file).origins
    again = keys(environment)
    assert (again.returncode, "in place" in again.stdout) == (0, True)
    assert {file: file.read_bytes() for file in settings.keys_dir.iterdir()} == held
    assert settings.trust_file.read_bytes() == trusted


def test_lost_keys_are_not_replaced(environment: dict[str, str]) -> None:
    assert keys(environment).returncode == 0
    settings = Settings.load(environment)
    for file in settings.keys_dir.iterdir():
        file.unlink()
    refused = keys(environment)
    assert refused.returncode == 1
    assert "put them back" in refused.stderr
    assert not list(settings.keys_dir.iterdir())


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/good" else 503)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_health_check_believes_200_alone(port: int) -> None:
    def check(path: str, number: int = port) -> int:
        command = [str(SCRIPTS / "http-ok.sh"), str(number), path]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert check("/good") == 0
    assert check("/bad") != 0
    assert check("/good", 1) != 0


def test_passwords_are_made_once(tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "docker" / "secrets.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((SCRIPTS / "secrets.sh").read_bytes())
    made = []
    for _ in range(2):
        subprocess.run(["/bin/sh", str(script)], capture_output=True, check=True)
        files = sorted((tmp_path / ".aegis" / "compose").iterdir())
        made.append([file.read_text(encoding="utf-8") for file in files])
    assert made[0] == made[1]
    assert [len(password) for password in made[0]] == [32, 32]
    assert (tmp_path / ".aegis" / "compose").stat().st_mode & 0o777 == 0o700
