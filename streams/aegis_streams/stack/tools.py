"""The programs that the stack takes from the machine: Java and Maven."""

from __future__ import annotations

import re
import shutil
import sys
from typing import Final

from aegis_streams.stack.errors import MissingToolError
from aegis_streams.stack.processes import piped

JAVA_AT_LEAST: Final = 17
_JAVA: Final = ("openjdk-17-jre-headless", "openjdk@17")
_MAVEN: Final = ("maven", "maven")


def java() -> str:
    """Return the path of a Java that runs the stack.

    Raises:
        MissingToolError: There is none, or it is older than `JAVA_AT_LEAST`.
    """
    found = shutil.which("java")
    if found is None:
        raise MissingToolError(
            f"Java {JAVA_AT_LEAST} or newer is needed for Kafka and the registry, and `java` is "
            f"not on the path. Install it: {installer(*_JAVA)}"
        )
    version = java_version(_output(found, "-version"))
    if version < JAVA_AT_LEAST:
        raise MissingToolError(
            f"{found} is Java {version or 'of unknown version'}; Kafka and the registry need "
            f"{JAVA_AT_LEAST} or newer. Install it: {installer(*_JAVA)}"
        )
    return found


def maven() -> str:
    """Return the path of Maven.

    Raises:
        MissingToolError: There is none.
    """
    found = shutil.which("mvn")
    if found is None:
        raise MissingToolError(
            "Maven is needed to fetch Kafka and the registry, and `mvn` is not on the path. "
            f"Install it: {installer(*_MAVEN)}"
        )
    return found


def java_version(text: str) -> int:
    """Return the major version that ``java -version`` printed, 0 if it printed none."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else 0


def installer(debian: str, brew: str) -> str:
    """Return the command that installs a package on this machine."""
    if sys.platform == "darwin":
        return f"brew install {brew}"
    if shutil.which("dnf"):
        return f"sudo dnf install {debian.replace('openjdk-17-jre', 'java-17-openjdk')}"
    return f"sudo apt-get install -y {debian}"


def _output(*command: str) -> str:
    with piped(command) as process:
        return process.communicate(timeout=30)[0]
