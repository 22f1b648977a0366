"""Packages form a ladder: governance, codecs, streams; nothing imports upwards or in a circle."""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.sources import LADDER, ROOTS, Source, sources

if TYPE_CHECKING:
    from collections.abc import Iterator


def module_name(source: Source, root: str) -> str:
    """The dotted name under which a file is imported."""
    parts = source.path.with_suffix("").parts
    start = parts.index(Path(root).name)
    names = parts[start:-1] if parts[-1] == "__init__" else parts[start:]
    return ".".join(names)


def is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(tree: ast.AST, *, runtime: bool) -> Iterator[str]:
    """Names of imported modules; ``from a import b`` gives both ``a`` and ``a.b``."""
    for node in ast.iter_child_nodes(tree):
        if runtime and isinstance(node, ast.stmt) and is_type_checking(node):
            assert isinstance(node, ast.If)
            for other in node.orelse:
                yield from imports(other, runtime=runtime)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node, runtime=runtime)


def graph(root: str) -> dict[str, set[str]]:
    """For each module of a package, the modules of the same package that it imports at run time."""
    modules = {module_name(source, root): source for source in sources(root)}
    edges = {}
    for name, source in modules.items():
        found = {other for other in imports(source.tree, runtime=True) if other in modules}
        # `from a import b` where b is a module: what is meant is a.b, not the package around it.
        meant = {each for each in found if not any(other.startswith(f"{each}.") for other in found)}
        edges[name] = meant - {name}
    return edges


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """One circle of the graph, or nothing."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("root", ROOTS)
def test_no_import_leads_upwards(root: str) -> None:
    above = LADDER[LADDER.index(Path(root).name) + 1 :]
    wrong = [
        f"{source.name} imports {name}"
        for source in sources(root)
        for name in imports(source.tree, runtime=False)
        if name.partition(".")[0] in above
    ]
    assert wrong == []


@pytest.mark.parametrize("root", ROOTS)
def test_modules_do_not_import_each_other_in_a_circle(root: str) -> None:
    edges = graph(root)
    assert edges
    assert cycle(edges) == []


@pytest.mark.parametrize("root", ROOTS)
def test_sub_packages_do_not_import_each_other_in_a_circle(root: str) -> None:
    edges: dict[str, set[str]] = {}
    for name, imported in graph(root).items():
        if "." not in name:
            continue  # the package itself re-exports
        part = name.split(".")[1]
        others = {other.split(".")[1] for other in imported if "." in other}
        edges.setdefault(part, set()).update(others - {part})
    assert cycle(edges) == []


def test_the_core_imports_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "aegis_governance"}
    wrong = [
        f"{source.name} imports {name}"
        for source in sources(ROOTS[0])
        for name in imports(source.tree, runtime=False)
        if name.partition(".")[0] not in allowed
    ]
    assert wrong == []


PLATFORM_MATHS = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "erf", "erfc",
                  "gamma", "lgamma", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan",
                  "hypot", "cbrt", "dist", "fma", "sumprod"}  # fmt: skip
"""What differs in the last bit between platforms or Python versions."""


def test_the_core_uses_no_platform_maths() -> None:
    wrong = [
        f"{source.name} imports {name}"
        for source in sources(ROOTS[0])
        for name in imports(source.tree, runtime=False)
        if name.startswith(("math.", "cmath", "statistics", "random", "numpy"))
        and name.partition(".")[2] in {*PLATFORM_MATHS, ""}
        and name != "math"
    ]
    assert wrong == []
    attributes = [
        f"{source.name}:{node.lineno} uses math.{node.attr}"
        for source in sources(ROOTS[0])
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "math"
        and node.attr in PLATFORM_MATHS
    ]
    assert attributes == []


def test_clock_and_randomness_are_read_in_one_place() -> None:
    """What decides is a pure function; ids and times come from one small module."""
    banned = ("time", "datetime", "uuid", "random", "secrets")
    allowed = {
        "governance/aegis_governance/ambient.py": {"datetime", "uuid"},
        "governance/aegis_governance/pcw.py": {"time"},
    }
    wrong = [
        f"{source.name} imports {name}"
        for source in sources(ROOTS[0])
        for name in imports(source.tree, runtime=True)
        if name.partition(".")[0] in banned
        and name.partition(".")[0] not in allowed.get(source.name, set())
    ]
    assert wrong == []


FOREIGN_TO_THE_JUDGE = {"aegis_codecs", "aegis_governance"}


def test_the_judge_shares_no_code_with_what_it_judges() -> None:
    """ADR 0011: of ours the fsck package imports only itself, not even for types."""
    package = "aegis_streams.fsck"
    judge = [source for source in sources(f"{ROOTS[2]}/fsck") if source.text.strip()]
    assert judge
    wrong = [
        f"{source.name} imports {name}"
        for source in judge
        for name in imports(source.tree, runtime=False)
        if name.partition(".")[0] in FOREIGN_TO_THE_JUDGE
        or (name.startswith("aegis_streams") and not f"{name}.".startswith(f"{package}."))
        or name == "importlib.import_module"
    ]
    assert wrong == []
    called = {
        ast.unparse(node.func)
        for source in judge
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
    }
    assert not called & {"__import__", "import_module", "exec", "eval"}
