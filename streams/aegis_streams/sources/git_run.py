"""Running git, and a view of a repository that holds its objects and nothing else.

What git prints about a commit can be changed by a user's configuration, by a repository's, and by
attributes in the working tree, in ``info/attributes`` or beside the configuration. A history is
therefore read through an empty bare repository of its own that borrows the objects: there is no
configuration, no attribute, no graft and no replaced object that could be found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from aegis_streams.sources.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_ANSWER_BYTES: Final = 65_536
"""Longest answer or complaint of git that is read."""
_WHERE: Final = ("rev-parse", "--path-format=absolute", "--git-path")


class Answer(NamedTuple):
    """What a short git command said."""

    code: int
    out: str
    complaint: str


class ObjectView(NamedTuple):
    """An empty bare repository that borrows another one's objects.

    Attributes:
        source: The other one.
        folder: Where the view lies.
        environment: What git has to be run with, in order to see it and nothing else.
    """

    source: Path
    folder: Path
    environment: Mapping[str, str]

    @contextmanager
    def output(self, *arguments: str) -> Iterator[IO[bytes]]:
        """Run git on the objects and give its output as a stream; leaving the block ends git.

        Raises:
            HistoryError: Git failed; its own words are in the message.
        """
        command = [f"--git-dir={self.folder}", *arguments]
        with tempfile.TemporaryFile() as complaints:
            with _started(command, self.environment, complaints) as process:
                stdout = _output(process)
                try:
                    yield stdout
                finally:
                    stdout.close()  # ends git if it is still writing
            if process.returncode != 0:
                raise HistoryError(
                    f"{self.source}: git {arguments[0]} failed: "
                    f"{_last_line(_read_again(complaints))}; `git fsck` tells what is damaged or "
                    "missing (a partial clone lacks what is read: make a full one)"
                )


def ask(path: Path, *arguments: str) -> Answer:
    """Run a short git command in the repository at (or around) a path, as its user would."""
    return _ask(["-C", str(path), *arguments], _users_environment())


def require_commit(path: Path) -> str:
    """Return the full object name of HEAD.

    Raises:
        HistoryError: No git, no such folder, no repository there, or no commit in it yet.
    """
    if not path.is_dir():
        raise HistoryError(f"{path}: no such folder; give the folder of a git repository")
    inside = ask(path, "rev-parse", "--git-dir")
    if inside.code != 0:
        raise HistoryError(f"{path}: not a git repository: {_last_line(inside.complaint)}")
    head = ask(path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if head.code != 0:
        raise HistoryError(f"{path}: the repository has no commit yet; commit something first")
    return head.out


@contextmanager
def object_view(path: Path) -> Iterator[ObjectView]:
    """Make a view of the repository at (or around) a path; leaving the block removes it.

    Raises:
        HistoryError: The repository cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="aegis-git-") as folder:
        home = Path(folder)
        environment = _bare_environment(home, _told(path, *_WHERE, "objects"))
        view = ObjectView(path, home / "view", environment)
        hashes = f"--object-format={_told(path, 'rev-parse', '--show-object-format')}"
        made = _ask(
            ["init", "--quiet", "--bare", "--template=", hashes, str(view.folder)], environment
        )
        if made.code != 0:
            raise HistoryError(f"{path}: git init failed: {_last_line(made.complaint)}")
        cut = Path(_told(path, *_WHERE, "shallow"))
        if cut.is_file():
            shutil.copyfile(cut, view.folder / "shallow")
        yield view


def _told(path: Path, *arguments: str) -> str:
    answer = ask(path, *arguments)
    if answer.code != 0:
        raise HistoryError(f"{path}: git {arguments[0]} failed: {_last_line(answer.complaint)}")
    return answer.out


def _ask(arguments: Sequence[str], environment: Mapping[str, str]) -> Answer:
    with (
        tempfile.TemporaryFile() as complaints,
        _started(arguments, environment, complaints) as process,
    ):
        out = os.fsdecode(_output(process).read(MAX_ANSWER_BYTES))
        code = process.wait()
        return Answer(code, out.strip(), _read_again(complaints))


def _started(
    arguments: Sequence[str], environment: Mapping[str, str], complaints: IO[bytes]
) -> subprocess.Popen[bytes]:
    command = ["git", "--no-pager", "--no-replace-objects", *arguments]
    try:
        return subprocess.Popen(  # noqa: S603  # nosec B603  # a list of arguments, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=environment,
        )
    except FileNotFoundError as error:
        raise HistoryError("git is not installed; install git 2.31 or newer") from error


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise HistoryError("git was started without a pipe to read from")
    return process.stdout


def _users_environment() -> dict[str, str]:
    """Return the environment without the variables by which git would look elsewhere."""
    kept = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYS")
    return _environment(
        {name: value for name, value in os.environ.items() if name.startswith(kept)}
    )


def _bare_environment(home: Path, objects: str) -> dict[str, str]:
    """Return an environment in which nobody's configuration and attributes are found."""
    return _environment(
        {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OBJECT_DIRECTORY": objects,
        }
    )


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    return {**others, **quiet, "GIT_OPTIONAL_LOCKS": "0", **changes}


def _read_again(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    return complaints.read(MAX_ANSWER_BYTES).decode("utf-8", "backslashreplace")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
