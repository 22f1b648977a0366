"""`aegis run` from nothing, and again: every answer verified, repeats recognised."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from support.aegis_home import AegisHome
from support.git_history import GitRepository, lines
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def home() -> Iterator[AegisHome]:
    found = AegisHome(stack_directory("run"))
    yield found
    found.run("down", "--wipe")
    shutil.rmtree(found.path)


def run(home: AegisHome, repository: GitRepository) -> dict[str, Any]:
    done = home.run("run", "--git", str(repository.path), "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_twice(home: AegisHome, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "repository")
    for number in range(1, 8):
        author = (f"Author {number % 3}", f"{number % 3}@example.org")
        repository.commit(f"Change number {number}", {f"{number}.py": lines(number * 50)}, author)

    first = run(home, repository)
    assert first["refused"] == []
    assert len(first["changes"]) == 7
    assert all(each["as_expected"] for each in first["cases"]), first["cases"]
    assert all(each["decision"]["verified"] for each in first["changes"])
    for status in ("proceed", "pause", "halt", "escalate", "repeated", "rejected"):
        assert first["counts"][status] > 0

    second = run(home, repository)
    assert [each["result"] for each in second["changes"]] == ["repeated"] * 7
    assert [each["decision"] for each in second["changes"]] == [
        each["decision"] for each in first["changes"]
    ]
    assert all(each["as_expected"] for each in second["cases"])

    repository.commit("One more", {"more.py": lines(3)})
    text = home.run("run", "--git", str(repository.path))
    assert text.returncode == 0, text.stderr
    assert "One more" in text.stdout
    assert "decided by an earlier run" in text.stdout
    assert "receipt d-" in text.stdout
