"""The catalogue of verbs against what is registered; the version against the distribution's."""

from __future__ import annotations

import tomllib
from argparse import ArgumentParser, _SubParsersAction
from importlib import import_module
from typing import TYPE_CHECKING

from aegis_governance import __version__
from aegis_governance.cli.verbs import CORE, GROUP, STREAMS
from support.sources import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def verbs_of_the_extras() -> dict[str, ArgumentParser]:
    subparsers = ArgumentParser().add_subparsers()
    for target in PROJECT["entry-points"][GROUP].values():
        module, _, function = target.partition(":")
        getattr(import_module(module), function)(subparsers)
    return dict(subparsers.choices)


def verbs_of_the_core() -> dict[str, ArgumentParser]:
    subparsers = ArgumentParser().add_subparsers()
    for register in CORE.values():
        register(subparsers)
    return dict(subparsers.choices)


def commands(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    """The parser itself, or those of the actions it asks for."""
    below = [each for each in parser._actions if isinstance(each, _SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for each in action.choices.values():
            yield from commands(each)


def test_the_catalogue_lists_exactly_the_verbs_of_the_extras() -> None:
    assert set(verbs_of_the_extras()) == set(STREAMS)
    assert not set(CORE) & set(STREAMS)


def test_every_command_has_machine_output() -> None:
    verbs = {**verbs_of_the_core(), **verbs_of_the_extras()}
    found = {each.prog: each for verb in verbs.values() for each in commands(verb)}
    assert len(found) > len(verbs)
    assert [prog for prog, each in found.items() if "--json" not in each.format_help()] == []


def test_the_version_is_that_of_the_distribution() -> None:
    assert PROJECT["version"] == __version__
