"""What the name of a path tells."""

from __future__ import annotations

import pytest

from aegis_streams.sources.git_paths import Purpose, Stake, folder, purpose, stakes


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/app.py", Purpose.CODE),
        ("CMakeLists.txt", Purpose.CODE),
        ("src/changes.py", Purpose.CODE),
        ("contest.py", Purpose.CODE),
        ("tests/data/x.json", Purpose.TEST),
        ("src/app_test.go", Purpose.TEST),
        ("web/button.spec.ts", Purpose.TEST),
        ("src/test_app.py", Purpose.TEST),
        ("src/AppTests.java", Purpose.TEST),
        ("conftest.py", Purpose.TEST),
        ("README.md", Purpose.DOCUMENTATION),
        ("LICENSE", Purpose.DOCUMENTATION),
        ("docs/conf.py", Purpose.DOCUMENTATION),
        (".github/README.md", Purpose.DOCUMENTATION),
        ("requirements-dev.txt", Purpose.DATA),
        ("poetry.lock", Purpose.DATA),
        (".gitignore", Purpose.DATA),
        ("docs/schema.json", Purpose.DATA),
    ],
)
def test_purpose(path: str, expected: Purpose) -> None:
    assert purpose(path) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/app.py", set()),
        (".github/workflows/test.yml", {Stake.DELIVERY}),
        ("Dockerfile.worker", {Stake.DELIVERY}),
        ("infra/main.tf", {Stake.DELIVERY}),
        ("app/migrations/0003_rename.py", {Stake.MIGRATION}),
        ("schema.sql", {Stake.MIGRATION}),
        ("src/user_auth.py", {Stake.SECURITY}),
        ("src/author.py", set()),
        ("src/crypto/sign.go", {Stake.SECURITY}),
        ("tests/test_auth.py", set()),
        ("docs/security.md", set()),
        ("deploy/migrations/tls.py", {Stake.DELIVERY, Stake.MIGRATION, Stake.SECURITY}),
    ],
)
def test_stakes(path: str, expected: set[Stake]) -> None:
    assert stakes(path) == expected


def test_folder_of_a_path() -> None:
    assert folder("a/b/c.py") == "a/b"
    assert folder("c.py") == ""
