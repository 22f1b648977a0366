"""The first-parent history of a git repository, oldest first, with lines changed per file.

Read by ``git log --numstat`` in a child process whose output is parsed as a stream, so memory
does not grow with the history. Git sees the objects alone (`git_run.object_view`), no configuration
and no attributes: the same commits give the same `Commit` objects, wherever they lie.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from aegis_streams.sources.git_run import ask, object_view, require_commit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_TOKEN_BYTES: Final = 65_536
"""Longest field kept of git's output (a message, a path); the rest of a longer one is dropped."""
MAX_FILES: Final = 2_000
"""Most files looked at in one commit; further ones only count (`Commit.files_total`)."""
READ_BYTES: Final = 65_536
"""How much of git's output is read at a time."""

_FIELDS: Final = ("%H", "%P", "%an", "%ae", "%ct", "%B")
_NUMSTAT: Final = re.compile(r"\n?(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)
_LOG: Final = (
    "log",
    "-z",
    "--reverse",
    "--first-parent",
    "--diff-merges=first-parent",
    "--numstat",
    "--find-renames=50%",
    "-l1000",
    "--diff-algorithm=myers",
    "-O/dev/null",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=none",
    "--no-color",
    "--no-show-signature",
    "--no-notes",
    "--no-mailmap",
    "--encoding=UTF-8",
    "--format=" + "%x00".join(_FIELDS),
)


@dataclass(frozen=True)
class FileChange:
    """One file of a commit.

    Attributes:
        path: Path after the commit; bytes that are not UTF-8 stand as escapes.
        former: Path before the commit if it was renamed, otherwise None.
        added: Lines added; None for a binary file.
        deleted: Lines deleted; None for a binary file.
    """

    path: str
    former: str | None
    added: int | None
    deleted: int | None


@dataclass(frozen=True)
class Commit:
    """One commit of the first-parent history; a merge is compared with its first parent.

    Attributes:
        sha: Full hex object name.
        parents: Number of parents: 0 for a root, 2 or more for a merge.
        author: Author's name.
        email: Author's address.
        time: Committer time, seconds since 1970-01-01T00:00:00Z; 0 if it is not a number.
        message: The whole message.
        files: Files changed, at most `MAX_FILES`, in git's order.
        files_total: How many files changed in all.
    """

    sha: str
    parents: int
    author: str
    email: str
    time: int
    message: str
    files: tuple[FileChange, ...]
    files_total: int


def read_commits(path: Path) -> Iterator[Commit]:
    """Read the history that ends in HEAD of the repository at (or around) a path, oldest first.

    The iterator runs git while it is consumed; closing it ends git.

    Raises:
        HistoryError: No git, no such folder, no repository there, no commit in it yet, or git
            failed half-way (its own words are in the message).
    """
    return _stream(path, require_commit(path))


def is_shallow(path: Path) -> bool:
    """Tell whether the history was cut off when it was cloned (then what is older is missing)."""
    answer = ask(path, "rev-parse", "--is-shallow-repository")
    return answer.code == 0 and answer.out == "true"


def _stream(path: Path, head: str) -> Iterator[Commit]:
    with object_view(path) as view, view.output(*_LOG, head, "--") as stdout:
        yield from _parse(_tokens(stdout))


def _parse(tokens: Iterator[str]) -> Iterator[Commit]:
    """Group tokens into commits: six header fields, then any number of files."""
    upcoming = next(tokens, None)
    while upcoming is not None:
        header = [upcoming, *(next(tokens, "") for _ in _FIELDS[1:])]
        files: list[FileChange] = []
        total = 0
        upcoming = next(tokens, None)
        while upcoming is not None and (match := _NUMSTAT.fullmatch(upcoming)):
            change = _file(match, tokens)
            total += 1
            if total <= MAX_FILES:
                files.append(change)
            upcoming = next(tokens, None)
        yield _commit(header, tuple(files), total)


def _file(match: re.Match[str], tokens: Iterator[str]) -> FileChange:
    """Read one file: ``added TAB deleted TAB path``, or no path and two more tokens (a rename)."""
    added, deleted, path = match.groups()
    former = None
    if not path:
        former, path = next(tokens, ""), next(tokens, "")
    return FileChange(path, former, _lines(added), _lines(deleted))


def _lines(text: str) -> int | None:
    return None if text == "-" else int(text)


def _commit(header: list[str], files: tuple[FileChange, ...], total: int) -> Commit:
    sha, parents, author, email, time, message = header
    return Commit(
        sha=sha.strip(),
        parents=len(parents.split()),
        author=author,
        email=email,
        time=int(time) if time.isascii() and time.isdigit() else 0,
        message=message,
        files=files,
        files_total=total,
    )


def _tokens(stream: IO[bytes]) -> Iterator[str]:
    """Cut a byte stream at NULs, each token cut to `MAX_TOKEN_BYTES`."""
    kept = b""
    while block := stream.read(READ_BYTES):
        first, *rest = block.split(b"\0")
        kept = (kept + first)[:MAX_TOKEN_BYTES]
        for part in rest:
            yield _text(kept)
            kept = part
    if kept:
        yield _text(kept)


def _text(token: bytes) -> str:
    return token.decode("utf-8", "backslashreplace")
