"""Programs that only checks of this repository need, fetched once per user.

The parser of the Compose specification comes as a Go module, `promtool` from the distribution's
package of Prometheus. Nothing is installed into the system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

COMPOSE_SPEC: Final = "v2.16.2"
"""Version of github.com/compose-spec/compose-go, the parser that Docker Compose uses."""
_SECONDS: Final = 280.0


class ToolMissingError(AssertionError):
    """A tool is not here and cannot be fetched; the message says how to install it."""


def compose_parser() -> Path:
    """Return the parser of the Compose specification: it prints the model of a file, or fails."""
    return _kept(f"compose-spec-{COMPOSE_SPEC}", _build_compose_parser)


def promtool() -> Path:
    """Return Prometheus's own checker of rules and configuration."""
    installed = shutil.which("promtool")
    return Path(installed) if installed else _kept("promtool", _unpack_promtool)


def _kept(name: str, make: Callable[[Path], Path]) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    tool = cache / "aegis" / "tools" / name
    if not tool.exists():
        tool.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tool.parent) as directory:
            make(Path(directory)).replace(tool)
    return tool


def _build_compose_parser(directory: Path) -> Path:
    if shutil.which("go") is None:
        raise ToolMissingError("`go` is needed to check docker-compose.yml: apt-get install golang")
    module = f"github.com/compose-spec/compose-go/v2/cmd@{COMPOSE_SPEC}"
    _run(["go", "install", module], directory, GOBIN=str(directory))
    return directory / "cmd"


def _unpack_promtool(directory: Path) -> Path:
    if shutil.which("apt-get") is None:
        raise ToolMissingError("`promtool` is needed to check monitoring/: install Prometheus")
    try:
        _run(["apt-get", "-qq", "download", "prometheus"], directory)
    except ToolMissingError:
        # A machine that was never told what packages there are.
        _run(["apt-get", "-qq", "update"], directory)
        _run(["apt-get", "-qq", "download", "prometheus"], directory)
    (package,) = directory.glob("prometheus_*.deb")
    _run(["dpkg", "-x", str(package), "."], directory)
    return directory / "usr" / "bin" / "promtool"


def _run(command: list[str], directory: Path, **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ToolMissingError(f"{' '.join(command)}: {done.stderr[-800:]}")
