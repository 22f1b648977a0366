"""Fetching the Java packages: once, whole or not at all, and with words for what is missing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from aegis_streams.stack.errors import DownloadError, MissingToolError, StackError
from aegis_streams.stack.jars import STAMP, downloaded_megabytes, ensure_jars, progress_text
from aegis_streams.stack.layout import jar_directory
from aegis_streams.stack.tools import java, java_version, maven

if TYPE_CHECKING:
    from pathlib import Path

FAKE_MAVEN = f"""#!{sys.executable}
import pathlib, sys
[target] = [a.removeprefix("-Daegis.jars=") for a in sys.argv if a.startswith("-Daegis.jars=")]
calls = pathlib.Path(__file__).with_name("calls")
calls.write_text((calls.read_text() if calls.exists() else "") + "x")
print("[INFO] Building")
print("Progress (1): 1.5/142 MB")
print("Downloaded from central: proto://host/a/b/b-1.jar (2.5 MB at 3 MB/s)")
if len(calls.read_text()) == FAILS:
    print("[ERROR] no such host")
    sys.exit(7)
(pathlib.Path(target) / "kafka").mkdir(parents=True)
(pathlib.Path(target) / "kafka" / "a.jar").touch()
"""


def fake_program(directory: Path, name: str, text: str) -> None:
    directory.mkdir(exist_ok=True)
    program = directory / name
    program.write_text(text)
    program.chmod(0o755)


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AEGIS_JARS", str(tmp_path / "jars"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    fake_program(tmp_path / "bin", "mvn", FAKE_MAVEN.replace("FAILS", "0"))
    return tmp_path / "jars"


def calls(jars: Path) -> int:
    return len((jars.parent / "bin" / "calls").read_text())


def test_packages_are_fetched_once(jars: Path) -> None:
    said: list[str] = []
    assert ensure_jars(said.append) == jars
    assert (jars / "kafka" / "a.jar").exists()
    assert said == ["Building", "Maven: 0 files, 0 MB; now 1.5/142 MB"]
    assert ensure_jars(pytest.fail) == jars
    assert calls(jars) == 1
    assert [path.name for path in jars.parent.iterdir() if "partial" in path.name] == []


def test_packages_of_another_pom_are_replaced(jars: Path) -> None:
    ensure_jars(lambda _: None)
    (jars / STAMP).write_text("another pom")
    (jars / "kafka" / "old.jar").touch()
    ensure_jars(lambda _: None)
    assert calls(jars) == 2
    assert [path.name for path in (jars / "kafka").iterdir()] == ["a.jar"]


def test_a_failed_fetch_leaves_nothing_and_says_why(jars: Path) -> None:
    fake_program(jars.parent / "bin", "mvn", FAKE_MAVEN.replace("FAILS", "1"))
    with pytest.raises(DownloadError, match=r"exit code 7(.|\n)*no such host"):
        ensure_jars(lambda _: None)
    assert not jars.exists()
    ensure_jars(lambda _: None)
    assert (jars / STAMP).exists()


def test_a_directory_of_somebody_else_is_not_touched(jars: Path) -> None:
    jars.mkdir()
    (jars / "thesis.txt").touch()
    with pytest.raises(StackError, match="was not made by aegis"):
        ensure_jars(lambda _: None)
    assert (jars / "thesis.txt").exists()


def test_an_empty_directory_is_filled(jars: Path) -> None:
    jars.mkdir()
    ensure_jars(lambda _: None)
    assert (jars / STAMP).exists()


def test_the_cache_is_the_users_and_follows_the_pom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AEGIS_JARS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jar_directory().parent == tmp_path / "aegis" / "jars"
    assert len(jar_directory().name) == 16


def test_without_maven_the_command_that_installs_it_is_named(
    jars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(jars.parent / "nothing"))
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(MissingToolError, match="sudo apt-get install -y maven"):
        ensure_jars(lambda _: None)
    with pytest.raises(MissingToolError, match="sudo apt-get install -y openjdk-17-jre-headless"):
        java()
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(MissingToolError, match="brew install maven"):
        maven()


@pytest.mark.parametrize(
    ("printed", "good"),
    [('openjdk version "17.0.15" 2025-04-15', True), ('openjdk version "21"', True),
     ('java version "1.8.0_392"', False), ('openjdk version "11.0.2"', False), ("what?", False)],
)  # fmt: skip
def test_an_old_java_is_refused(jars: Path, printed: str, good: bool) -> None:
    fake_program(jars.parent / "bin", "java", f"#!{sys.executable}\nprint('''{printed}''')\n")
    if good:
        assert java() == str(jars.parent / "bin" / "java")
    else:
        with pytest.raises(MissingToolError, match="17 or newer"):
            java()


def test_versions_and_sizes_are_read() -> None:
    assert java_version('openjdk version "25.0.1" 2026-01-01') == 25
    assert java_version('java version "1.8.0_1"') == 8
    line = "Downloaded from central: proto://host/a-1.tar.gz (142 MB at 121 MB/s)"
    assert downloaded_megabytes(line) == 142.0
    assert downloaded_megabytes(line.replace("142 MB", "500 kB")) == 0.5
    assert downloaded_megabytes("Downloading from central: proto://host/a-1.tar.gz") is None
    assert progress_text("Progress (2): 1/2 MB | 3 kB", 7, 8.4) == (
        "Maven: 7 files, 8 MB; now 1/2 MB | 3 kB"
    )
    assert progress_text("[INFO] Expanding", 7, 8.4) is None
