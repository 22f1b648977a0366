"""A small file system for the broker's data, so that its disk can really be full.

It is a tmpfs. Full means: made no larger than what it holds, so that the next write of the broker
gets the kernel's ENOSPC. Mounting takes root; the mount lives in a mount namespace of the run, so
that it is gone with the run however that ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

MEGABYTES: Final = 6 * 1024
"""Size of the disk while it is not full; only what it holds takes memory."""
_MARK: Final = "AEGIS_CHAOS_NAMESPACE"


def why_not() -> str:
    """Return why this machine cannot fill a disk; empty if it can."""
    if not sys.platform.startswith("linux"):
        return "a disk of its own needs Linux"
    if os.geteuid() != 0:
        return "mounting a disk of its own needs root"
    if shutil.which("mount") is None or shutil.which("unshare") is None:
        return "the programs mount and unshare are missing (util-linux)"
    if os.environ.get(_MARK) != "1":
        return "the run has no mount namespace of its own (unshare is not permitted)"
    return ""


def own_namespace(arguments: list[str]) -> None:
    """Start this program again in a mount namespace of its own, if the machine permits that."""
    program = shutil.which("unshare")
    if os.environ.get(_MARK) or program is None or os.geteuid() != 0:
        return
    private = [program, "--mount", "--propagation", "private"]
    possible = subprocess.run([*private, "true"], capture_output=True, check=False)
    os.environ[_MARK] = "1" if possible.returncode == 0 else "no"
    if possible.returncode == 0:
        os.execv(program, [*private, sys.executable, *arguments])  # noqa: S606  # itself


class Disk:
    """A file system of its own at a directory; a context manager.

    Args:
        place: Where it is mounted; made if it is missing.
        megabytes: Its size while it is not full.
    """

    def __init__(self, place: Path, megabytes: int = MEGABYTES) -> None:
        self._place = place
        self._size = megabytes * 1024 * 1024

    def __enter__(self) -> Self:
        self._place.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self._size},mode=700", "chaos", self._where)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _run("umount", "--lazy", self._where)

    @property
    def used(self) -> int:
        """Bytes that it holds."""
        found = os.statvfs(self._place)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def fill(self) -> None:
        """Leave no room for another page."""
        for _ in range(20):
            try:
                self._resize(self.used)
            except subprocess.CalledProcessError:  # it grew in between
                continue
            return
        raise AssertionError(f"{self._place}: could not be made full")

    def free(self) -> None:
        """Give the room back."""
        self._resize(self._size)

    @property
    def _where(self) -> str:
        return str(self._place)

    def _resize(self, size: int) -> None:
        _run("mount", "-o", f"remount,size={size}", self._where)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
