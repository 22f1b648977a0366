"""Who may enter the audit database, and where the passwords lie.

Each role has two files in the directory of secrets, readable by their owner alone: the password,
and the same as a `pgpass` line, which every PostgreSQL client reads by itself. So no password ever
stands in an address, on a command line or in the environment.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from pathlib import Path

ADMIN: Final = "aegis_admin"
"""Makes the database and applies the migrations; used by nothing else."""
SINK: Final = "aegis_sink"
"""Inserts; used by the connector."""
KEEPER: Final = "aegis_keeper"
"""Reads, and makes partitions; used by `aegis sink run`."""
AUDITOR: Final = "aegis_auditor"
"""Reads; used by everybody else."""
DATABASE: Final = "aegis"
"""Name of the database."""
_PASSWORD_BYTES: Final = 24


def password_file(directory: Path, role: str) -> Path:
    """Return the file that holds a role's password and nothing else."""
    return directory / f"{role}.password"


def pass_file(directory: Path, role: str) -> Path:
    """Return the file from which PostgreSQL's clients take a role's password."""
    return directory / f"{role}.pgpass"


def ensure_password(directory: Path, role: str) -> str:
    """Return a role's password, made on first use.

    Args:
        directory: The secrets of this deployment; made if missing, for its owner alone.
        role: The database role.

    Raises:
        OSError: A file cannot be read or written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = password_file(directory, role)
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(_PASSWORD_BYTES))
    password = path.read_text(encoding="utf-8").strip()
    line = f"*:*:*:{role}:{_escaped(password)}\n"
    if not pass_file(directory, role).exists():
        _write_private(pass_file(directory, role), line)
    return password


def database_url(directory: Path, role: str, port: int, database: str = DATABASE) -> str:
    """Return the address of a database on this machine; the password stays in its file."""
    query = urlencode({"passfile": pass_file(directory.absolute(), role)}, quote_via=quote)
    return f"postgresql://{role}@127.0.0.1:{port}/{database}?{query}"


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
