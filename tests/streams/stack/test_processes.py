"""A process is recognised by id and start, and nothing else is ever signalled."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from aegis_streams.stack import processes
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.leftovers import stop_leftovers
from aegis_streams.stack.processes import ProcessIdentity, spawn, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

SLEEPER = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = spawn(SLEEPER, tmp_path / "log", {})
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("portable", [False, True])
def test_a_process_is_recognised(
    sleeper: subprocess.Popen[bytes], portable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if portable:
        monkeypatch.setattr(processes, "_PROC_STAT", Path("/no/such/file"))
    identity = ProcessIdentity.of(sleeper.pid)
    assert identity is not None
    assert identity == ProcessIdentity.of(sleeper.pid)
    assert identity.alive()
    sleeper.kill()
    assert wait_until(lambda: not identity.alive(), 10), "a zombie is dead"
    sleeper.wait()
    assert ProcessIdentity.of(sleeper.pid) is None


def test_a_recycled_process_id_is_left_alone(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    stale = ProcessIdentity(sleeper.pid, "another-boot:12345")
    assert not stale.alive()
    assert not stale.send(signal.SIGKILL)
    assert not stale.send_group(signal.SIGKILL)
    layout = Layout(tmp_path)
    stale.write(layout.pid("kafka"))
    assert stop_leftovers(layout, (), pytest.fail) == 0
    assert sleeper.poll() is None
    assert not layout.pid("kafka").exists()


def test_an_identity_survives_its_file(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    identity = ProcessIdentity.of(sleeper.pid)
    assert identity is not None
    identity.write(tmp_path / "run" / "x.pid")
    assert ProcessIdentity.read(tmp_path / "run" / "x.pid") == identity


@pytest.mark.parametrize("text", ["", "17", "{}", '{"pid": "x", "mark": "y"}', "[]"])
def test_a_file_that_is_no_identity_names_nobody(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.pid").write_text(text)
    assert ProcessIdentity.read(tmp_path / "x.pid") is None
    assert ProcessIdentity.read(tmp_path / "absent.pid") is None


def test_stop_is_gentle_first(tmp_path: Path) -> None:
    process = spawn(SLEEPER, tmp_path / "log", {})
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    assert identity.stop(10)
    assert process.wait() == -signal.SIGTERM


def test_a_spawned_process_has_its_own_session_and_log(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert psutil.Process(sleeper.pid).ppid() == psutil.Process().pid
    printer = spawn([sys.executable, "-c", "print('hello')"], tmp_path / "deep" / "log", {"A": "b"})
    assert printer.wait() == 0
    assert (tmp_path / "deep" / "log").read_text() == "hello\n"
