"""The catalogue of verbs against what is registered; the version against the distribution's."""

from __future__ import annotations

import tomllib
from argparse import ArgumentParser
from importlib import import_module

from aegis_governance import __version__
from aegis_governance.cli.verbs import CORE, GROUP, STREAMS
from support.sources import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_the_catalogue_lists_exactly_the_verbs_of_the_extras() -> None:
    subparsers = ArgumentParser().add_subparsers()
    for target in PROJECT["entry-points"][GROUP].values():
        module, _, function = target.partition(":")
        getattr(import_module(module), function)(subparsers)
    assert set(subparsers.choices) == set(STREAMS)
    assert not set(CORE) & set(STREAMS)


def test_the_version_is_that_of_the_distribution() -> None:
    assert PROJECT["version"] == __version__
