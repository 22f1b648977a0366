"""The verbs that need neither Kafka nor a registry: keys and offline verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_codecs.cli import keys, verify

if TYPE_CHECKING:
    import argparse


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `keys` and `verify` to the `aegis` command."""
    keys.register(subparsers)
    verify.register(subparsers)
