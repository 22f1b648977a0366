"""Finding PostgreSQL's programs: those installed, else those of a Maven package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.stack.accounts import unprivileged_account
from aegis_streams.stack.errors import ComponentError
from aegis_streams.stack.jars import POSTGRES_POM, Report, ensure_jars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_streams.stack.accounts import Account

AT_LEAST: Final = 14
"""Oldest major version that is known to do."""
PLACES: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/usr/local/pgsql/bin",
)
"""Where packages put the server's programs, most of them not on the path."""
SHARED: Final = Path("/var/lib/aegis/postgresql")
"""Where root keeps a copy of the package for the account that runs it, if that account cannot
reach root's own."""
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_SECONDS: Final = 20


class Programs(NamedTuple):
    """The programs of one PostgreSQL.

    Attributes:
        directory: Where ``postgres`` and ``initdb`` are.
        major: Major version.
    """

    directory: Path
    major: int

    def path(self, name: str) -> str:
        """Return the path of one program."""
        return str(self.directory / name)


def ensure_programs(report: Report, wanted: int | None = None) -> Programs:
    """Return PostgreSQL's programs, fetching a package where none are installed.

    Args:
        report: Called with a line of progress.
        wanted: Major version that made the data in place; None without data.

    Raises:
        StackError: There is none, or none of the wanted version.
    """
    account = unprivileged_account()
    found = installed(account)
    fitting = [each for each in found if wanted in (None, each.major)]
    if fitting:
        return fitting[0]
    package = _package(report, account)
    if wanted not in (None, package.major):
        raise ComponentError(
            f"postgres: the data was written by PostgreSQL {wanted}, and there is only "
            f"{sorted({each.major for each in (*found, package)})}. Install {wanted} again, or "
            "begin anew, without the old data, by `aegis down --wipe`"
        )
    return package


@cache
def installed(account: Account | None) -> tuple[Programs, ...]:
    """Return what is installed and can be run by the account, newest first."""
    seen = {path.resolve(): path for path in _directories() if (path / "initdb").exists()}
    found = [(path, _major(path, account)) for path in seen]
    fitting = [Programs(path, major) for path, major in found if major >= AT_LEAST]
    return tuple(sorted(fitting, key=lambda each: -each.major))


def _directories() -> Iterator[Path]:
    for pattern in PLACES:
        yield from Path("/").glob(pattern.removeprefix("/"))
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _major(directory: Path, account: Account | None) -> int:
    """Return the major version; 0 if the program cannot be run."""
    try:
        done = subprocess.run(  # noqa: S603 # nosec B603  # a program found where packages put it
            [str(directory / "postgres"), "--version"],
            user=account.uid if account else None,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = _VERSION.search(done.stdout)
    return int(found[1]) if found else 0


def _package(report: Report, account: Account | None) -> Programs:
    jars = ensure_jars(report, POSTGRES_POM)
    home = jars / "server"
    if not (home / "bin" / "postgres").exists():
        _unpack(jars, home)
    major = _major(home / "bin", account)
    if major == 0 and account is not None:
        home = _shared_copy(home, SHARED / jars.name)
        major = _major(home / "bin", account)
    if major == 0:
        raise ComponentError(
            f"postgres: the packaged server in {home} does not run on this machine; install "
            "PostgreSQL 14 or newer (Debian, Ubuntu: sudo apt-get install -y postgresql)"
        )
    return Programs(home / "bin", major)


def _unpack(jars: Path, home: Path) -> None:
    archives = sorted(jars.rglob("*.txz"))
    if not archives:
        raise ComponentError(f"postgres: no archive below {jars}; remove it and try again")
    partial = home.with_name(f".server.{os.getpid()}")
    with tarfile.open(archives[0], "r:xz") as archive:
        archive.extractall(partial, filter="data")  # the filter refuses what leads out
    _settle(partial, home)


def _shared_copy(source: Path, target: Path) -> Path:
    """Copy what root fetched to where others can read it."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copytree(source, partial, symlinks=True)
        _settle(partial, target)
    return target


def _settle(partial: Path, target: Path) -> None:
    """Put a finished directory in place, unless another process was quicker."""
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not target.exists():
            raise
