"""The configuration that a command works with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_governance.config import AegisConfig, document

if TYPE_CHECKING:
    from argparse import ArgumentParser

CONFIG_PATH: Final = "AEGIS_CONFIG_PATH"
"""Environment variable that names the configuration file."""


class Loaded(NamedTuple):
    """A parameter set and where it comes from.

    Attributes:
        config: The parameter set.
        telemetry_url: Where the file wants telemetry sent, or None.
        origin: The file's path, or ``defaults``.
    """

    config: AegisConfig
    telemetry_url: str | None
    origin: str


def add_config_option(parser: ArgumentParser) -> None:
    """Add ``--config``."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help=f"YAML or JSON file of parameters (default: ${CONFIG_PATH}, else built-in)",
    )


def load(path: str | None) -> Loaded:
    """Return the parameters of a file, of ``$AEGIS_CONFIG_PATH``, or the defaults.

    Raises:
        ConfigError: The file holds an unknown key or a value out of its bounds.
        MissingExtraError: It is YAML, and PyYAML is not installed.
        UnreadableError: It cannot be read or parsed.
    """
    chosen = path or os.environ.get(CONFIG_PATH)
    if not chosen:
        return Loaded(AegisConfig.default(), None, "defaults")
    values = document.read(chosen)
    url = document.flatten(values).telemetry_url
    return Loaded(AegisConfig.from_dict(values), url, chosen)
