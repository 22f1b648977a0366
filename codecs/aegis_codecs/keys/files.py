"""Writing and reading key files: one file per purpose, a seed per algorithm.

The file is text: the line ``aegis-keys/v1 PURPOSE``, then a line ``ALGORITHM BASE64`` per seed.
It has mode 0600 in a directory of mode 0700. Looser modes are refused, not repaired: a key that
others could read has to be replaced. A key file is written whole or not at all and is never
overwritten.
"""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import KeyFileError
from aegis_codecs.log.canonical import decode_base64, encode_base64

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = "aegis-keys/v1"
MAX_KEY_FILE_BYTES: Final = 16 * 1024
"""Longest key file that is read."""

_OTHERS: Final = 0o077


def key_file(directory: Path, purpose: str) -> Path:
    """Return where the keys of a purpose are kept."""
    return directory / f"{purpose}.keys"


def write_seeds(directory: Path, purpose: str, seeds: Mapping[str, bytes]) -> Path:
    """Write the seeds of a purpose durably, by algorithm name, and return the file.

    Raises:
        KeyFileError: The file exists, the directory is open to others, or writing failed.
    """
    path = key_file(directory, purpose)
    lines = [f"{FORMAT} {purpose}", *(f"{k} {encode_base64(v).decode()}" for k, v in seeds.items())]
    temporary = directory / f".{purpose}.{secrets.token_hex(8)}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_others(directory, directory.stat().st_mode)
        try:
            _write_synced(temporary, "\n".join([*lines, ""]).encode())
            path.hardlink_to(temporary)  # appears whole, and fails if there is one already
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(directory)
    except FileExistsError as error:
        raise KeyFileError(
            f"{path} exists already; a key is never overwritten: move it away first"
        ) from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}") from error
    return path


def read_seeds(directory: Path, purpose: str) -> dict[str, bytes]:
    """Return the seeds of a purpose, by algorithm name.

    Raises:
        KeyFileError: No such file, malformed, or file or directory open to others.
    """
    path = key_file(directory, purpose)
    try:
        _refuse_others(directory, directory.stat().st_mode)
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KeyFileError(f"{path} is not a regular file")
            _refuse_others(path, mode)
            data = file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileError(f"{path} does not exist; `aegis keys generate` makes it") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    return _parse(path, purpose, data)


def _parse(path: Path, purpose: str, data: bytes) -> dict[str, bytes]:
    head, *lines = data.split(b"\n")
    seeds: dict[str, bytes] = {}
    if (
        head != f"{FORMAT} {purpose}".encode()
        or len(data) > MAX_KEY_FILE_BYTES
        or not data.endswith(b"\n")
    ):
        raise KeyFileError(f"{path} is not a key file for {purpose} ({FORMAT})")
    for line in lines[:-1]:
        name, _, value = line.partition(b" ")
        try:
            seed = decode_base64(value)
        except ValueError:
            # The cause would quote the line, and the line is the secret.
            raise KeyFileError(f"{path}: the seed of {name[:40]!r} is not base64") from None
        if name.decode(errors="replace") in seeds:
            raise KeyFileError(f"{path}: {name[:40]!r} stands twice")
        seeds[name.decode(errors="replace")] = seed
    return seeds


def _refuse_others(path: Path, mode: int) -> None:
    if mode & _OTHERS:
        raise KeyFileError(
            f"{path} is open to others (mode {stat.S_IMODE(mode):04o}); if nobody read the keys, "
            f"`chmod go= {path}`, otherwise replace them"
        )


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
