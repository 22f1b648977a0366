"""What a path in a repository is for: told from its name alone, by fixed lists."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import PurePosixPath
from typing import Final


class Purpose(Enum):
    """What a file is for; each path has exactly one."""

    CODE = "code"
    DATA = "data"
    TEST = "test"
    DOCUMENTATION = "documentation"


class Stake(Enum):
    """Why a change of a file matters beyond its size; a path may have several."""

    DELIVERY = "delivery"
    MIGRATION = "migration"
    SECURITY = "security"


_TEST_FOLDERS: Final = frozenset(
    ("test", "tests", "testing", "testdata", "spec", "specs", "__tests__", "e2e", "fixtures")
)
_TEST_NAME: Final = re.compile(
    r"test_.*|conftest\.py|.*[._-](test|tests|spec)\.[a-z]+|.*tests?\.(java|kt|cs|scala|swift|php)"
)
_DOC_FOLDERS: Final = frozenset(("doc", "docs", "documentation", "man"))
_DOC_SUFFIXES: Final = frozenset((".md", ".rst", ".adoc", ".txt", ".tex"))
_DOC_NAMES: Final = frozenset(("readme", "changelog", "changes", "license", "authors", "news"))
_CODE_NAMES: Final = frozenset(("cmakelists.txt",))
_DATA_NAME: Final = re.compile(
    r"\..*|.*\.(json|jsonl|yaml|yml|toml|ini|cfg|conf|lock|sum|xml|csv|tsv|svg|avsc)"
    r"|(requirements|constraints).*\.txt"
)

_DELIVERY_FOLDERS: Final = frozenset(
    (".github", ".gitlab", ".circleci", ".ci", "ci", "deploy", "deployment", "helm", "k8s")
)
_DELIVERY_NAME: Final = re.compile(
    r"dockerfile.*|docker-compose.*|jenkinsfile|codeowners|\.gitlab-ci\.yml|\.travis\.yml"
    r"|azure-pipelines\.yml|.*\.tf"
)
_MIGRATION_FOLDERS: Final = frozenset(("migrations", "migration", "alembic"))
_SECURITY_WORD: Final = re.compile(
    r"(?<![a-z])(auth[nz]?|oauth|authentication|authorization|login|passwords?|secrets?|tokens?"
    r"|crypto|cryptography|security|permissions?|rbac|acl|signing|signers?|signature|certs?"
    r"|certificates?|tls|ssl|sessions?)(?![a-z])"
)


def purpose(path: str) -> Purpose:
    """Tell what a file is for; a test counts as a test wherever it lies."""
    parts, name = _split(path)
    if not _TEST_FOLDERS.isdisjoint(parts) or _TEST_NAME.fullmatch(name):
        return Purpose.TEST
    if _DATA_NAME.fullmatch(name):
        return Purpose.DATA
    return Purpose.DOCUMENTATION if _is_documentation(parts, name) else Purpose.CODE


def stakes(path: str) -> frozenset[Stake]:
    """Tell why a change of this file matters: delivery, migration of data, security."""
    parts, name = _split(path)
    found = set()
    if not _DELIVERY_FOLDERS.isdisjoint(parts) or _DELIVERY_NAME.fullmatch(name):
        found.add(Stake.DELIVERY)
    if not _MIGRATION_FOLDERS.isdisjoint(parts) or name.endswith(".sql"):
        found.add(Stake.MIGRATION)
    if purpose(path) is Purpose.CODE and _SECURITY_WORD.search(path.lower()):
        found.add(Stake.SECURITY)
    return frozenset(found)


def folder(path: str) -> str:
    """Return the folder a file lies in; empty for the repository's own."""
    return path.rpartition("/")[0]


def _is_documentation(parts: frozenset[str], name: str) -> bool:
    if name in _CODE_NAMES:
        return False
    suffix = PurePosixPath(name).suffix
    in_folder = not _DOC_FOLDERS.isdisjoint(parts)
    return suffix in _DOC_SUFFIXES or name in _DOC_NAMES or in_folder


def _split(path: str) -> tuple[frozenset[str], str]:
    """Return the folder names and the file name, all in lower case."""
    parent, _, name = path.lower().rpartition("/")
    return frozenset(parent.split("/")), name
