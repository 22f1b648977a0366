"""Fetching the Java packages of the stack with Maven, once per user and version of the pom."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aegis_streams.stack.errors import DownloadError, StackError
from aegis_streams.stack.layout import LOCAL_FILES, STACK_POM, jar_directory
from aegis_streams.stack.processes import piped
from aegis_streams.stack.tools import maven

if TYPE_CHECKING:
    from pathlib import Path

POSTGRES_POM: Final = "postgres.xml"
"""The database server, for machines where none is installed."""
STAMP: Final = "pom.sha256"
"""File in the jar directory that says from which pom it was made."""
_TIMEOUTS: Final = (
    "-Dmaven.wagon.rto=60000",
    "-Daether.connector.requestTimeout=60000",
    "-Daether.connector.connectTimeout=20000",
)
"""A server that falls silent is given up on after a minute, in Maven 3.8 and in later ones."""
_DONE: Final = re.compile(r"Downloaded from \S+: \S*/(?P<file>[^/ ]+) \((?P<size>[\d.]+ \w+) at")
_RUNNING: Final = re.compile(r"Progress \(\d+\): (?P<text>.+)")
_KEPT_LINES: Final = 15
_UNITS: Final = {"B": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}

Report = Callable[[str], None]


def ensure_jars(report: Report, pom: str = STACK_POM) -> Path:
    """Return the directory of the stack's Java packages, fetching them if they are not there.

    Several processes may call this at once: one fetches, the others wait for it. The directory
    appears whole or not at all.

    Args:
        report: Called with a line of progress, often.
        pom: Which packages: a file below ``deploy/local``.

    Raises:
        MissingToolError: Maven is needed and absent.
        DownloadError: Maven failed.
        StackError: The directory holds something else.
    """
    target = jar_directory(pom)
    digest = hashlib.sha256((LOCAL_FILES / pom).read_bytes()).hexdigest()
    if _made_from(target, digest):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(target.with_name(f".{target.name}.lock"), report):
        if not _made_from(target, digest):
            _check_replaceable(target)
            fetched = target.with_name(f".{target.name}.partial")
            shutil.rmtree(fetched, ignore_errors=True)
            _run_maven(fetched, pom, report)
            (fetched / STAMP).write_text(digest, encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
            fetched.rename(target)
    return target


def progress_text(line: str, files: int, megabytes: float) -> str | None:
    """Return what a line of Maven's output says about progress, None if nothing.

    Args:
        line: One line, carriage returns counted as line ends.
        files: Number of files fetched so far.
        megabytes: Their size.
    """
    running = _RUNNING.match(line)
    if running is None:
        return None
    return f"Maven: {files} files, {megabytes:.0f} MB; now {running['text'].strip()}"


def downloaded_megabytes(line: str) -> float | None:
    """Return the size of the file that a line of Maven's output reports as fetched, else None."""
    done = _DONE.match(line)
    if done is None:
        return None
    number, unit = done["size"].split()
    return float(number) * _UNITS.get(unit, 0.0)


def _made_from(target: Path, digest: str) -> bool:
    try:
        return (target / STAMP).read_text(encoding="utf-8") == digest
    except OSError:
        return False


def _check_replaceable(target: Path) -> None:
    if target.exists() and not (target / STAMP).exists() and any(target.iterdir()):
        raise StackError(
            f"{target} is not empty and was not made by aegis; empty it or let AEGIS_JARS name "
            "another directory"
        )


@contextmanager
def _exclusive(path: Path, report: Report) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Maven: another aegis fetches the same packages; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run_maven(directory: Path, pom: str, report: Report) -> None:
    command = [
        maven(),
        "-Dstyle.color=never",
        *_TIMEOUTS,
        f"-Daegis.jars={directory}",
        "-f",
        str(LOCAL_FILES / pom),
        "process-resources",
    ]
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    with piped(command) as process:
        if process.stdout is None:
            raise DownloadError("Maven: its output cannot be read")
        _follow(process.stdout, kept, report)
    if process.returncode != 0:
        raise DownloadError(
            f"Maven failed with exit code {process.returncode}. Is the network there? Its last "
            "lines:\n  " + "\n  ".join(kept)
        )


def _follow(lines: Iterator[str], kept: deque[str], report: Report) -> None:
    files, megabytes = 0, 0.0
    for raw in lines:
        line = raw.rstrip()
        size = downloaded_megabytes(line)
        if size is not None:
            files, megabytes = files + 1, megabytes + size
        text = progress_text(line, files, megabytes)
        if text is not None:
            report(text)
        elif line and not line.startswith("Download"):
            kept.append(line)
            report(line.removeprefix("[INFO] "))
