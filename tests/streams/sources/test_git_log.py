"""Reading a real git history: every shape of commit, and what a configuration could do to it."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from aegis_streams.sources.errors import HistoryError
from aegis_streams.sources.git_log import MAX_TOKEN_BYTES, FileChange, is_shallow, read_commits
from support.git_history import START, GitRepository, lines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "repository")


def test_one_commit(repository: GitRepository) -> None:
    sha = repository.commit("First\n\nWith a body.\n", {"a.py": lines(3)})
    (commit,) = read_commits(repository.path)
    assert commit.sha == sha
    assert commit.parents == 0
    assert (commit.author, commit.email) == ("Ada Lovelace", "ada@example.org")
    assert commit.time == START + 60
    assert commit.message == "First\n\nWith a body.\n"
    assert commit.files == (FileChange("a.py", None, 3, 0),)


def test_oldest_first(repository: GitRepository) -> None:
    shas = [repository.commit(f"Change {n}", {"a.py": lines(n)}) for n in range(1, 5)]
    assert [commit.sha for commit in read_commits(repository.path)] == shas


def test_binary_rename_removal_and_odd_names(repository: GitRepository) -> None:
    repository.commit("Start", {"old name.py": lines(20), "gone.py": "x\n"})
    repository.commit(
        "Change",
        {
            "old name.py": None,
            "new/näme => {odd}.py": lines(20) + "one more\n",
            "gone.py": None,
            "picture.png": bytes(range(256)),
        },
    )
    *_, commit = read_commits(repository.path)
    assert set(commit.files) == {
        FileChange("new/näme => {odd}.py", "old name.py", 1, 0),
        FileChange("gone.py", None, 0, 1),
        FileChange("picture.png", None, None, None),
    }


def test_name_that_is_not_utf8_stays_distinct(repository: GitRepository) -> None:
    folder = os.fsencode(repository.path)
    for byte in (b"\xff", b"\xfe"):
        with open(folder + b"/" + byte, "wb") as file:  # noqa: PTH123  # a path of bytes
            file.write(b"x\n")
    repository.commit("Odd", {})
    (commit,) = read_commits(repository.path)
    assert sorted(file.path for file in commit.files) == [r"\xfe", r"\xff"]


def test_merge_is_compared_with_its_first_parent(repository: GitRepository) -> None:
    first = repository.commit("Start", {"a.py": "a\n"})
    repository.git("switch", "--quiet", "--create", "side")
    repository.commit("On the side", {"b.py": lines(4)})
    repository.commit("More on the side", {"c.py": lines(2)})
    repository.git("switch", "--quiet", "main")
    second = repository.commit("Meanwhile", {"d.py": "d\n"})
    merge = repository.merge("side", "Bring in the side")
    commits = list(read_commits(repository.path))
    assert [commit.sha for commit in commits] == [first, second, merge]
    assert commits[-1].parents == 2
    assert {file.path: file.added for file in commits[-1].files} == {"b.py": 4, "c.py": 2}


def test_commits_without_files_or_message(repository: GitRepository) -> None:
    repository.commit("Start", {"a.py": "a\n"})
    repository.commit("Nothing changed", {})
    repository.commit("", {"a.py": "b\n"})
    repository.commit("Last", {"a.py": "c\n"})
    found = [
        (commit.message.strip(), len(commit.files)) for commit in read_commits(repository.path)
    ]
    assert found == [("Start", 1), ("Nothing changed", 0), ("", 1), ("Last", 1)]


def test_message_that_imitates_the_format(repository: GitRepository) -> None:
    message = "1\t2\ta.py\n\n3\t4\tb.py\n" + "0" * 40 + "\n"
    repository.commit(message, {"real.py": "x\n"})
    repository.commit("After", {"real.py": "y\n"})
    first, second = read_commits(repository.path)
    assert first.message == message
    assert [file.path for file in first.files] == ["real.py"]
    assert second.message == "After\n"


def test_huge_message_is_cut(repository: GitRepository) -> None:
    repository.commit("Long\n\n" + "word " * 40_000, {"a.py": "a\n"})
    (commit,) = read_commits(repository.path)
    assert len(commit.message) == MAX_TOKEN_BYTES
    assert [file.path for file in commit.files] == ["a.py"]


def test_many_files_are_counted_and_cut(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aegis_streams.sources.git_log.MAX_FILES", 3)
    repository.commit("Many", {f"f{n}.py": "x\n" for n in range(7)})
    repository.commit("After", {"f0.py": "y\n"})
    first, second = read_commits(repository.path)
    assert (len(first.files), first.files_total) == (3, 7)
    assert second.message == "After\n"


def test_configuration_changes_nothing(repository: GitRepository) -> None:
    repository.commit("Start", {"old.py": lines(30), "z.bin": b"\0\1"})
    repository.commit(
        "Move", {"old.py": None, "new.py": lines(30), "z.bin": b"\0\2", "a.py": "a\n"}
    )
    plain = list(read_commits(repository.path))
    (repository.path / "order").write_text("z*\na*\n")
    for setting, value in {
        "diff.renames": "false",
        "diff.algorithm": "patience",
        "diff.orderFile": str(repository.path / "order"),
        "diff.external": "false",
        "diff.relative": "true",
        "log.follow": "true",
        "log.showSignature": "true",
        "log.diffMerges": "off",
        "log.date": "relative",
        "color.ui": "always",
        "i18n.logOutputEncoding": "latin1",
        "format.pretty": "fuller",
        "core.quotePath": "false",
        "log.showRoot": "false",
        "core.bigFileThreshold": "1",
    }.items():
        repository.git("config", setting, value)
    assert list(read_commits(repository.path)) == plain


ATTRIBUTES = "*.lock -diff\n*.py diff=own\n"
"""Without a diff the first counts as binary, the second as its driver says."""


@pytest.mark.parametrize("place", [".gitattributes", ".git/info/attributes"])
def test_attributes_change_nothing(repository: GitRepository, place: str) -> None:
    repository.commit("Lock", {"poetry.lock": lines(100), "a.py": lines(3)})
    plain = list(read_commits(repository.path))
    repository.git("config", "diff.own.binary", "true")
    (repository.path / place).parent.mkdir(exist_ok=True)
    (repository.path / place).write_text(ATTRIBUTES)
    changed = repository.git("log", "--numstat", "--format=")
    assert "-\t-\tpoetry.lock" in changed  # git itself does follow them
    assert list(read_commits(repository.path)) == plain
    assert FileChange("poetry.lock", None, 100, 0) in plain[0].files


def test_attributes_that_were_committed_change_nothing(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit("Lock", {"poetry.lock": lines(100)})
    plain = list(read_commits(repository.path))
    repository.commit("Mark", {".gitattributes": ATTRIBUTES})
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    repository.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    found = list(read_commits(repository.path))
    assert found[:1] == plain
    assert list(read_commits(tmp_path / "bare")) == found
    assert list(read_commits(tmp_path / "linked")) == found


def test_what_a_user_configured_changes_nothing(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("Lock", {"poetry.lock": lines(100)})
    plain = list(read_commits(repository.path))
    for folder in (tmp_path / "git", tmp_path / ".config" / "git"):
        folder.mkdir(parents=True)
        (folder / "attributes").write_text(ATTRIBUTES)
    settings = "[log]\nshowRoot = false\n[core]\nbigFileThreshold = 1\n"
    (tmp_path / "config").write_text(f"{settings}attributesFile = {tmp_path}/git/attributes\n")
    for home in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(home, str(tmp_path))
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, str(tmp_path / "config"))
    assert list(read_commits(repository.path)) == plain


def test_a_module_that_is_ignored_still_counts(repository: GitRepository, tmp_path: Path) -> None:
    sha = repository.commit("Start", {"a.py": "a\n"})
    modules = '[submodule "m"]\n\tpath = m\n\turl = ../m\n\tignore = all\n'
    (repository.path / ".gitmodules").write_text(modules)
    repository.git("add", ".gitmodules")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{sha},m")
    repository.git("commit", "--quiet", "-m", "Add a module")
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    *_, last = read_commits(repository.path)
    assert FileChange("m", None, 1, 0) in last.files
    assert list(read_commits(tmp_path / "bare")) == list(read_commits(repository.path))


def test_grafts_are_not_followed(repository: GitRepository) -> None:
    for n in range(1, 4):
        repository.commit(f"Change {n}", {"a.py": lines(n)})
    plain = list(read_commits(repository.path))
    (repository.path / ".git" / "info").mkdir(exist_ok=True)
    (repository.path / ".git" / "info" / "grafts").write_text(f"{repository.head()}\n")
    assert list(read_commits(repository.path)) == plain


def test_repository_of_sha256(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "wide", "--object-format=sha256")
    sha = repository.commit("Start", {"a.py": lines(2)})
    (commit,) = read_commits(repository.path)
    assert (commit.sha, len(sha), commit.files) == (sha, 64, (FileChange("a.py", None, 2, 0),))


def test_nothing_is_left_behind_and_nothing_written(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    repository.commit("Start", {"a.py": "a\n"})
    before = sorted(repository.path.rglob("*"))
    assert len(list(read_commits(repository.path))) == 1
    abandoned = read_commits(repository.path)
    next(abandoned)
    abandoned.close()  # type: ignore[attr-defined]  # a generator behind the iterator type
    assert list(scratch.iterdir()) == []
    assert sorted(repository.path.rglob("*")) == before


def test_replaced_objects_are_not_followed(repository: GitRepository) -> None:
    sha = repository.commit("Genuine", {"a.py": "a\n"})
    plain = list(read_commits(repository.path))
    repository.commit("Forged", {"a.py": "b\n"})
    forged = repository.head()
    repository.git("reset", "--quiet", "--hard", sha)
    repository.git("replace", sha, forged)
    assert list(read_commits(repository.path)) == plain


def test_environment_of_a_hook_does_not_lead_elsewhere(
    repository: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = GitRepository(tmp_path / "other")
    other.commit("Other", {"o.py": "o\n"})
    sha = repository.commit("Own", {"a.py": "a\n"})
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    assert [commit.sha for commit in read_commits(repository.path)] == [sha]


def test_bare_repository_and_shallow_clone(repository: GitRepository, tmp_path: Path) -> None:
    for n in range(1, 4):
        repository.commit(f"Change {n}", {"a.py": lines(n)})
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    repository.git(
        "clone", "--quiet", "--depth=1", f"file://{repository.path}", str(tmp_path / "shallow")
    )
    assert list(read_commits(tmp_path / "bare")) == list(read_commits(repository.path))
    assert not is_shallow(tmp_path / "bare")
    assert is_shallow(tmp_path / "shallow")
    assert len(list(read_commits(tmp_path / "shallow"))) == 1


def test_partial_clone_says_what_is_needed(repository: GitRepository, tmp_path: Path) -> None:
    repository.commit("Start", {"a.py": "a\n"})
    repository.git("config", "uploadpack.allowFilter", "true")
    source = f"file://{repository.path}"
    partial = tmp_path / "partial"
    repository.git("clone", "--quiet", "--bare", "--filter=blob:none", source, str(partial))
    with pytest.raises(HistoryError, match=r"partial: git log failed: .*make a full one"):
        list(read_commits(partial))


def test_iterator_can_be_abandoned(repository: GitRepository) -> None:
    for n in range(1, 6):
        repository.commit(f"Change {n}", {"a.py": lines(n)})
    commits = read_commits(repository.path)
    assert next(commits).message == "Change 1\n"
    commits.close()  # type: ignore[attr-defined]  # a generator behind the iterator type
    assert list(commits) == []


def test_empty_repository_says_what_to_do(repository: GitRepository) -> None:
    with pytest.raises(HistoryError, match=r"has no commit yet; commit something first"):
        read_commits(repository.path)


def test_folder_without_repository_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(HistoryError, match="not a git repository"):
        read_commits(tmp_path)


def test_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"nowhere: no such folder"):
        read_commits(tmp_path / "nowhere")


def test_missing_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HistoryError, match="git is not installed"):
        read_commits(tmp_path)


def test_broken_repository_reports_gits_words(repository: GitRepository) -> None:
    repository.commit("Start", {"a.py": "a\n"})
    broken = repository.commit("Next", {"a.py": "b\n"})
    tree = repository.git("rev-parse", f"{broken}^{{tree}}").strip()
    (repository.path / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(HistoryError, match="git log failed: "):
        list(read_commits(repository.path))
