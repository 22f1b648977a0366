"""The verbs that need Kafka, each in a module of its own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse

COMMANDS: Final = (
    "aegis_streams.cli.up",
    "aegis_streams.cli.status",
    "aegis_streams.cli.down",
    "aegis_streams.cli.run",
    "aegis_streams.cli.topics",
    "aegis_streams.cli.database",
    "aegis_streams.cli.sink",
    "aegis_streams.cli.worker",
    "aegis_streams.cli.submit",
    "aegis_streams.cli.watch",
    "aegis_streams.cli.receipt",
    "aegis_streams.cli.fsck",
    "aegis_streams.cli.consistency",
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add every stream verb to the `aegis` command."""
    for name in COMMANDS:
        importlib.import_module(name).register(subparsers)
