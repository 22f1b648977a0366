"""Small git repositories with fixed people and times, so that the same calls give the same ids."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GIT: Final = shutil.which("git") or "git"
START: Final = 1_767_225_600


class GitRepository:
    """A repository in a folder; each commit is one minute after the one before."""

    def __init__(self, path: Path, *flags: str) -> None:
        self.path = path
        self._clock = START
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *flags)

    def git(self, *arguments: str) -> str:
        """Run git here and return what it printed."""
        return self._run(arguments, ("Ada Lovelace", "ada@example.org"))

    def commit(
        self,
        message: str,
        files: Mapping[str, str | bytes | None],
        author: tuple[str, str] = ("Ada Lovelace", "ada@example.org"),
    ) -> str:
        """Write files (None removes one), commit, and return the commit's id."""
        for name, content in files.items():
            self._write(name, content)
        self.git("add", "--all")
        self._clock += 60
        flags = ("--quiet", "--allow-empty", "--allow-empty-message", "-F", "-")
        self._run(("commit", *flags), author, message)
        return self.head()

    def merge(self, branch: str, message: str) -> str:
        """Merge a branch without fast-forward and return the merge's id."""
        self._clock += 60
        self.git("merge", "--quiet", "--no-ff", "-m", message, branch)
        return self.head()

    def head(self) -> str:
        """Return the id of HEAD."""
        return self.git("rev-parse", "HEAD").strip()

    def _write(self, name: str, content: str | bytes | None) -> None:
        file = self.path / name
        if content is None:
            file.unlink()
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def _run(self, arguments: tuple[str, ...], author: tuple[str, str], text: str = "") -> str:
        done = subprocess.run(  # git, with arguments of the tests
            [GIT, "-C", str(self.path), *arguments],
            input=text,
            check=True,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **self._identity(*author)},
        )
        return done.stdout

    def _identity(self, name: str, email: str) -> dict[str, str]:
        when = f"{self._clock} +0000"
        return {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": email,
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }


def lines(count: int, word: str = "line") -> str:
    """Return text of so many lines."""
    return "".join(f"{word} {number}\n" for number in range(count))
