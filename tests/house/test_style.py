"""Sizes and manners of the code: the house's targets, counted over the syntax trees."""

from __future__ import annotations

import ast
import re
from statistics import median, quantiles
from typing import TYPE_CHECKING

import pytest

from support.sources import ROOTS, SUPPRESSION, WELL_FORMED, Source, body_lines, sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.sources import Function

EVERYWHERE = (*ROOTS, "tests")
LONGEST_FILE = 600
LONGEST_BODY = 60
MEDIAN_FILE, NINETIETH_FILE = 150, 400
MEDIAN_BODY, NINETIETH_BODY = 8, 25
LEAST_DOCUMENTED = 0.95
MOST_SUPPRESSIONS = 1 / 1000


def suppressed(source: Source) -> list[int]:
    """Lines with a comment that silences a linter."""
    return [line for line, comment in source.comments() if SUPPRESSION.search(comment)]


def catching_everything(source: Source) -> list[int]:
    """Lines with `except Exception` or wider, which silence whatever comes."""
    return [
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]


def ninetieth(values: Sequence[int]) -> float:
    """The ninetieth percentile."""
    return quantiles(values, n=10)[-1]


def is_public(name: str) -> bool:
    return not name.startswith("_") or name in ("__init__", "__call__")


def public_functions(source: Source) -> list[Function]:
    """Functions and methods that a user can reach by public names, without nested ones."""
    found: list[Function] = []
    pending: list[ast.Module | ast.ClassDef] = [source.tree]
    while pending:
        for node in pending.pop().body:
            if isinstance(node, ast.ClassDef) and is_public(node.name):
                pending.append(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [node] if not node.name.startswith("_") else []
    return found


@pytest.mark.parametrize("folder", EVERYWHERE)
def test_no_file_is_too_long(folder: str) -> None:
    wrong = [f"{one.name}: {one.lines}" for one in sources(folder) if one.lines > LONGEST_FILE]
    assert wrong == []


@pytest.mark.parametrize("folder", EVERYWHERE)
def test_no_function_is_too_long(folder: str) -> None:
    wrong = [
        f"{one.name}:{function.lineno} {function.name}: {body_lines(function)}"
        for one in sources(folder)
        for function in one.functions()
        if body_lines(function) > LONGEST_BODY
    ]
    assert wrong == []


@pytest.mark.parametrize("root", ROOTS)
def test_most_files_are_short(root: str) -> None:
    lengths = [one.lines for one in sources(root) if one.text.strip()]
    assert median(lengths) <= MEDIAN_FILE
    assert ninetieth(lengths) <= NINETIETH_FILE


@pytest.mark.parametrize("root", ROOTS)
def test_most_functions_are_short(root: str) -> None:
    lengths = [body_lines(function) for one in sources(root) for function in one.functions()]
    assert median(lengths) <= MEDIAN_BODY
    assert ninetieth(lengths) <= NINETIETH_BODY


@pytest.mark.parametrize("folder", EVERYWHERE)
def test_every_function_says_what_it_returns(folder: str) -> None:
    wrong = [
        f"{one.name}:{function.lineno} {function.name}"
        for one in sources(folder)
        for function in one.functions()
        if function.returns is None and function.name != "__init__"
    ]
    assert wrong == []


@pytest.mark.parametrize("root", ROOTS)
def test_public_functions_are_documented(root: str) -> None:
    functions = [
        (f"{one.name}:{function.lineno} {function.name}", ast.get_docstring(function))
        for one in sources(root)
        for function in public_functions(one)
    ]
    silent = [name for name, docstring in functions if not docstring]
    assert len(silent) <= (1 - LEAST_DOCUMENTED) * len(functions), silent


@pytest.mark.parametrize("root", ROOTS)
def test_modules_are_documented(root: str) -> None:
    assert [one.name for one in sources(root) if not ast.get_docstring(one.tree)] == []


@pytest.mark.parametrize("folder", EVERYWHERE)
def test_suppressions_carry_a_code_and_a_reason(folder: str) -> None:
    wrong = [
        f"{one.name}:{line} {comment}"
        for one in sources(folder)
        for line, comment in one.comments()
        if SUPPRESSION.search(comment) and not WELL_FORMED.search(comment)
    ]
    assert wrong == []


def test_suppressions_are_few() -> None:
    files = [one for root in ROOTS for one in sources(root)]
    found = {
        f"{one.name}:{line}"
        for one in files
        for line in (*suppressed(one), *catching_everything(one))
    }
    assert len(found) <= MOST_SUPPRESSIONS * sum(one.lines for one in files), found


@pytest.mark.parametrize("folder", EVERYWHERE)
def test_nothing_is_left_for_later(folder: str) -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    wrong = [
        f"{one.name}:{line} {comment}"
        for one in sources(folder)
        for line, comment in one.comments()
        if later.search(comment)
    ]
    assert wrong == []
