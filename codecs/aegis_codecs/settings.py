"""Every environment variable that the codecs read, in one place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def home(environ: Mapping[str, str] | None = None) -> Path:
    """Return where local data lives: ``AEGIS_HOME``, else ``.aegis``."""
    return Path((os.environ if environ is None else environ).get("AEGIS_HOME") or ".aegis")


def trust_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return the trust file: ``AEGIS_TRUST_FILE``, else ``trust.json`` in `home`."""
    env = os.environ if environ is None else environ
    return Path(env.get("AEGIS_TRUST_FILE") or home(env) / "trust.json")


def keys_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return the directory of the signing keys: ``AEGIS_KEYS_DIR``, else ``keys`` in `home`."""
    env = os.environ if environ is None else environ
    return Path(env.get("AEGIS_KEYS_DIR") or home(env) / "keys")
