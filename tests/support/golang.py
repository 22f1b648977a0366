"""Go, a development-only tool: it fetches foreign test vectors and runs a foreign verifier."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE = 240.0
"""Seconds for one command; the first one compiles part of Go's own library."""


def run_go(
    directory: Path, *arguments: str, stdin: bytes = b"", ok: tuple[int, ...] = (0,)
) -> bytes:
    """Run the Go client in `directory` and return what it prints.

    Without Go, or where it cannot fetch a module, the test is skipped; in CI it fails.
    """
    go = shutil.which("go")
    if go is None:
        unavailable("Go is not installed (development only: https://go.dev/dl)")
    ran = subprocess.run(  # a fixed program, arguments from the tests
        [str(go), *arguments],
        cwd=directory,
        input=stdin,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"},
    )
    if ran.returncode not in ok:
        unavailable(f"go {arguments[0]} failed: {ran.stderr.decode(errors='replace')[-800:]}")
    return ran.stdout


def unavailable(why: str) -> None:
    """Skip the test; in CI fail it."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
