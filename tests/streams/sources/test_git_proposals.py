"""Whole proposals from real and made-up histories: legal, bounded, the same every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.records.proposals import validate_record
from aegis_streams.sources.git import agent_of, git_proposals, proposals_of
from aegis_streams.sources.git_log import Commit, FileChange
from support.git_history import GitRepository, lines

if TYPE_CHECKING:
    from pathlib import Path

paths = st.sampled_from(
    ["a.py", "src/b.py", "tests/test_b.py", "docs/x.md", ".ci/run", "m/migrations/1.py", "\x01é"]
) | st.text(min_size=1, max_size=30)
line_counts = st.none() | st.integers(0, 10**7)
changes = st.builds(FileChange, paths, st.none() | paths, line_counts, line_counts)
commits = st.builds(
    Commit,
    sha=st.text("0123456789abcdef", min_size=40, max_size=40),
    parents=st.integers(0, 9),
    author=st.text(max_size=60),
    email=st.text(max_size=60),
    time=st.integers(0, 2**63),
    message=st.text(max_size=400)
    | st.sampled_from(["fix crash", "Revert x", "hotfix: CVE-2026-1 in auth", "\n\n\x00"]),
    files=st.lists(changes, max_size=12).map(tuple),
    files_total=st.integers(0, 10**6),
)


@given(st.lists(commits, max_size=12))
def test_every_history_gives_legal_proposals(history: list[Commit]) -> None:
    for proposal in proposals_of(history):
        assert validate_record(proposal) is None
        assert proposal["utility_result"]["variance"] <= 0.25
        assert -1 <= proposal["profit_proposed"] <= 1


@given(st.lists(commits, max_size=8), st.integers(0, 8))
def test_a_proposal_depends_on_what_came_before_only(history: list[Commit], cut: int) -> None:
    assert list(proposals_of(history[:cut])) == list(proposals_of(history))[:cut]


@given(st.text(), st.text())
def test_agents_are_legal_and_apart(author: str, email: str) -> None:
    agent = agent_of(author, email)
    assert agent.isascii()
    assert agent.isprintable()
    assert len(agent) <= 60
    assert agent == agent_of(author, f" {email.upper().lower()} ") or email != email.upper().lower()


def test_agent_does_not_give_the_address_away() -> None:
    agent = agent_of("Ada  Lovelace", "Ada@Example.org")
    assert agent == agent_of("Ada Lovelace", "ada@example.org")
    assert agent.startswith("git-ada-lovelace-")
    assert "example" not in agent
    assert agent != agent_of("Ada Lovelace", "ada@other.org")
    assert agent_of("李明", "x@y").startswith("git-author-")


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "repository")


def test_one_commit(repository: GitRepository) -> None:
    sha = repository.commit("Add a parser", {"src/parser.py": lines(30)})
    (proposal,) = git_proposals(repository.path)
    assert proposal["proposal_id"] == f"git-{sha}"
    assert proposal["proposal_summary"] == "Add a parser"
    assert proposal["session_id"] == f"git-{sha[:12]}"
    assert proposal["risk_baseline"] == 0.15
    assert proposal["risk_proposed"] == 0.048837
    assert proposal["novelty_score"] == 1
    assert proposal["complexity_score"] == 1
    assert proposal["metadata"]["commit"] == sha
    assert validate_record(proposal) is None


def test_growth_changes_no_earlier_proposal(repository: GitRepository) -> None:
    repository.commit("Start", {"a.py": lines(9)})
    repository.git("branch", "side")
    repository.commit("Fix a", {"a.py": lines(12)})
    before = list(git_proposals(repository.path))
    repository.git("switch", "--quiet", "side")
    repository.commit("Fix b on the side", {"a.py": lines(3), "b.py": lines(40)})
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "-X", "ours", "-m", "Merge side", "side")
    repository.commit("Next", {"c.py": lines(2)})
    after = list(git_proposals(repository.path))
    assert after[:2] == before
    assert [proposal["phase"] for proposal in after] == ["plan", "plan", "execute", "plan"]


def test_same_history_elsewhere_gives_the_same(repository: GitRepository, tmp_path: Path) -> None:
    for n in range(1, 6):
        repository.commit(f"Fix part {n}", {"a.py": lines(n * 3), f"docs/{n}.md": lines(n)})
    repository.git("clone", "--quiet", ".", str(tmp_path / "copy"))
    assert list(git_proposals(tmp_path / "copy")) == list(git_proposals(repository.path))


def risks(history: list[dict[str, Any]]) -> list[float]:
    return [proposal["risk_proposed"] for proposal in history]


def test_files_that_were_fixed_before_are_riskier(repository: GitRepository) -> None:
    repository.commit("Start", {"calm.py": lines(5), "prone.py": lines(5)})
    for n in range(6, 10):
        repository.commit(f"Fix the count {n}", {"prone.py": lines(n)})
    repository.commit("Extend calm", {"calm.py": lines(6)})
    repository.commit("Extend prone", {"prone.py": lines(10)})
    *_, calm, prone = risks(list(git_proposals(repository.path)))
    assert prone > calm + 0.2


def test_a_rename_keeps_the_past(repository: GitRepository) -> None:
    repository.commit("Start", {"prone.py": lines(50)})
    for n in range(51, 55):
        repository.commit(f"Fix the count {n}", {"prone.py": lines(n)})
    repository.commit("Move it", {"prone.py": None, "moved.py": lines(54)})
    repository.commit("Extend it", {"moved.py": lines(55)})
    *_, extended = risks(list(git_proposals(repository.path)))
    assert extended > 0.3


def test_the_same_again_is_nothing_new(repository: GitRepository) -> None:
    repository.commit("Raise the version", {"version.txt": "1\n"})
    repository.commit("Raise the version", {"version.txt": "2\n"})
    repository.commit("Explain how releases are cut", {"version.txt": "2\nsee below\n"})
    first, again, other = (p["novelty_score"] for p in git_proposals(repository.path))
    assert first == 1
    assert again < 0.1
    assert other > 0.75


def test_tests_and_documentation_raise_quality(repository: GitRepository) -> None:
    code = {f"src/{n}.py": lines(60) for n in range(3)}
    repository.commit("Add three modules at once", code)
    served = {name.replace("src", "lib"): text for name, text in code.items()}
    repository.commit(
        "Add three modules at once",
        {**served, "tests/test_all.py": lines(100), "docs/all.md": lines(50)},
    )
    bare, full = (proposal["quality_score"] for proposal in git_proposals(repository.path))
    assert bare < 0.7 < full


def test_impact_and_flags_follow_what_is_touched(repository: GitRepository) -> None:
    changes: list[tuple[str, dict[str, str | bytes | None]]] = [
        ("Describe it", {"README.md": lines(3)}),
        ("Add a module", {"src/a.py": lines(3)}),
        ("Check it", {"tests/test_a.py": lines(3)}),
        ("Ship it", {".github/workflows/ship.yml": lines(3)}),
        (
            "Hotfix of the sessions",
            {"src/auth/session.py": lines(3), "src/migrations/1.sql": "x\n"},
        ),
        ("Revert it", {"src/a.py": lines(2)}),
        ("All", {".ci/run": "x\n", "auth.py": "x\n", "migrations/2.sql": "x\n"}),
    ]
    for message, files in changes:
        repository.commit(message, files)
    found = [
        (p["estimated_impact"], p["requires_human_approval"], p["reversible"], p["time_sensitive"])
        for p in git_proposals(repository.path)
    ]
    assert found == [
        ("low", False, True, False),
        ("medium", False, True, False),
        ("low", False, True, False),
        ("high", True, True, False),
        ("high", True, False, True),
        ("medium", True, True, False),
        ("critical", True, False, False),
    ]
