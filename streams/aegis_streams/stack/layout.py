"""Where everything of one local stack lies: names below the home directory."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aegis_streams.settings import STACK_FILE

LOCAL_FILES: Final = Path(__file__).resolve().parent.parent / "data" / "local"
"""The files of ``deploy/local``: linked into the package in a checkout, copied into a wheel."""
SECRETS: Final = "secrets"
"""Directory of the database passwords, below the home directory."""
STACK_POM: Final = "pom.xml"
"""The Java packages of the stack, below `LOCAL_FILES`."""
WIPED: Final = (
    *("data", "logs", "run", "keys", "guard", SECRETS, "trust.json"),
    *(STACK_FILE, "supervisor.json"),
)
"""What ``aegis down --wipe`` removes from the home directory. Keys go with the data: the same keys
on a new log would sign a second history under the same origin."""


@dataclass(frozen=True)
class Layout:
    """The directories and files of one stack.

    Attributes:
        home: Home directory of the stack, absolute.
    """

    home: Path

    @property
    def stack_file(self) -> Path:
        """Addresses of the running stack, for every other command."""
        return self.home / STACK_FILE

    @property
    def state_file(self) -> Path:
        """What the supervisor last knew of its components."""
        return self.home / "supervisor.json"

    @property
    def lock_file(self) -> Path:
        """Held by the one supervisor of this home."""
        return self.run / "supervisor.lock"

    @property
    def secrets(self) -> Path:
        """Directory of the database passwords."""
        return self.home / SECRETS

    @property
    def run(self) -> Path:
        """Directory of the pid files."""
        return self.home / "run"

    def data(self, name: str) -> Path:
        """Return the data directory of a component."""
        return self.home / "data" / name

    def log(self, name: str) -> Path:
        """Return the log file of a component."""
        return self.home / "logs" / f"{name}.log"

    def pid(self, name: str) -> Path:
        """Return the file that names the process of a component."""
        return self.run / f"{name}.pid"


def jar_directory(pom: str = STACK_POM) -> Path:
    """Return where the packages of this version of a pom belong.

    ``AEGIS_JARS`` names the directory of the stack's outright; else it lies in the user's cache
    and carries the hash of the pom, so that all stacks of a user share one and an edited pom gets
    another.
    """
    chosen = os.environ.get("AEGIS_JARS")
    if chosen and pom == STACK_POM:
        return Path(chosen).resolve()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((LOCAL_FILES / pom).read_bytes()).hexdigest()
    return cache / "aegis" / "jars" / digest[:16]
