"""The programs of the peers, made ready: a Maven build, packages beside ours, and processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aegis_streams.stack.layout import LOCAL_FILES, STACK_POM
from aegis_streams.stack.tools import java, maven

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.peers.work import Work

HERE: Final = Path(__file__).resolve().parent
TESTS: Final = HERE.parent.parent
PROJECT: Final = HERE / "kafka_streams"
REQUIREMENTS: Final = HERE / "requirements.lock"
_MAVEN_NAMESPACE: Final = "{http://maven.apache.org/POM/4.0.0}"


@dataclass(frozen=True)
class Program:
    """How a peer is started.

    Attributes:
        name: Its name in every table.
        command: Its command; the path of the work follows.
        path: Entries of PYTHONPATH; empty for the JVM.
    """

    name: str
    command: tuple[str, ...]
    path: tuple[Path, ...] = ()

    @contextmanager
    def running(self, work: Work) -> Iterator[int]:
        """Run it for the length of a block, its output beside its state; yields its process id."""
        paths = os.pathsep.join(map(str, self.path))
        environment = {**os.environ, "PYTHONPATH": paths} if paths else dict(os.environ)
        with (Path(work.state) / "log").open("wb") as log:
            process = subprocess.Popen(
                [*self.command, str(work.write())], env=environment, stdout=log, stderr=log
            )
        try:
            yield process.pid
        finally:
            process.kill()
            process.wait()


def kafka_streams(tools: Path, say: Callable[[str], None]) -> Program:
    """Build the Java peer if its sources are new, and return it."""
    built = tools / f"kafka-streams-{_hash(sorted(PROJECT.rglob('*.*')))}"
    if not (built / "lib").is_dir():
        say("kafka-streams: building with Maven")
        partial = built.with_name(f".{built.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        command = [maven(), "-q", "-B", "-f", str(PROJECT / "pom.xml")]
        command += [f"-Dbench.out={partial}", f"-Dkafka.version={kafka_version()}", "package"]
        subprocess.run(command, check=True)
        partial.rename(built)
    class_path = f"{built}/aegis-kafka-streams.jar{os.pathsep}{built}/lib/*"
    return Program("kafka-streams", (java(), "-Xmx1g", "-cp", class_path, "aegis.bench.Main"))


def quix(tools: Path, say: Callable[[str], None]) -> Program:
    """Return the peer in Quix Streams."""
    return _python("quix", tools, say)


def faust(tools: Path, say: Callable[[str], None]) -> Program:
    """Return the peer in stock Faust."""
    return _python("faust", tools, say)


PROGRAMS: Final = {"kafka-streams": kafka_streams, "quix": quix, "faust": faust}
"""Peer -> what makes it ready, given a directory for tools and a voice."""


def kafka_version(pom: Path = LOCAL_FILES / STACK_POM) -> str:
    """Return the version of Kafka that a Maven file names; by default the local stack's."""
    root = ET.parse(pom).getroot()  # noqa: S314 - a file of our own
    found = root.findtext(f"{_MAVEN_NAMESPACE}properties/{_MAVEN_NAMESPACE}kafka.version")
    if found is None:
        raise AssertionError(f"{pom} names no kafka.version")
    return found


def _python(name: str, tools: Path, say: Callable[[str], None]) -> Program:
    """Put what a peer needs beside our own packages into a directory of its own.

    Quix asks for an older confluent-kafka than ours, so the directory comes first on the path.
    """
    packages = tools / f"packages-{_hash([REQUIREMENTS])}"
    if not packages.is_dir():
        say("quix, faust: fetching packages")
        partial = packages.with_name(f".{packages.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--require-hashes", "--target", str(partial)]
        subprocess.run([*command, "-r", str(REQUIREMENTS)], check=True)
        partial.rename(packages)
    # Stock Faust runs with our confluent-kafka: it uses none.
    path = (packages, TESTS) if name == "quix" else (TESTS, packages)
    return Program(name, (sys.executable, "-m", f"bench.peers.{name}_peer"), path)


def _hash(files: list[Path]) -> str:
    digest = hashlib.sha256(kafka_version().encode())
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
