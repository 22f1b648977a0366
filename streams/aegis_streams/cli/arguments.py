"""Kinds of command-line arguments."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

from aegis_streams.settings import Settings


def positive_integer(text: str) -> int:
    """Read a whole number above 0."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value


def positive_number(text: str) -> float:
    """Read a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--trust`` to a command that verifies."""
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="FILE",
        help="who is believed (default: $AEGIS_TRUST_FILE, or trust.json of the local stack)",
    )


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings, with the trust file that the arguments name.

    Raises:
        SettingsError: A variable of the environment is malformed.
    """
    settings = Settings.load()
    return settings if args.trust is None else replace(settings, trust_file=args.trust)
