"""The project's own source files, parsed once for the tests of the house."""

from __future__ import annotations

import ast
import re
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
ROOTS = ("governance/aegis_governance", "codecs/aegis_codecs", "streams/aegis_streams")
"""The three packages, lowest first."""
LADDER = tuple(Path(root).name for root in ROOTS)
"""The names of the packages, lowest first."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One Python file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The path within the repository."""
        return str(self.path.relative_to(REPOSITORY))

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return self.text.count("\n")

    def functions(self) -> list[Function]:
        """Every function and method."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def comments(self) -> Iterator[tuple[int, str]]:
        """Line number and text of every comment."""
        with tokenize.open(self.path) as file:
            for token in tokenize.generate_tokens(file.readline):
                if token.type == tokenize.COMMENT:
                    yield token.start[0], token.string


@cache
def sources(folder: str) -> tuple[Source, ...]:
    """Every Python file below a folder of the repository."""
    paths = sorted((REPOSITORY / folder).rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return tuple(
        Source(path, text, ast.parse(text)) for path, text in zip(paths, texts, strict=True)
    )


def body_lines(function: Function) -> int:
    """Lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|nosec|pylint:|pragma:\s*no)")
"""A comment that silences a tool."""
WELL_FORMED = re.compile(
    r"#\s*(noqa:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*"
    r"|type:\s*ignore\[[a-z-]+(,\s*[a-z-]+)*\]"
    r"|nosec:?\s*B[0-9]+(,\s*B[0-9]+)*)"
    r"\W+\w.{3,}"
)
"""One with a code and a reason."""
