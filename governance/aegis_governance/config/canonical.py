"""Canonical JSON: one byte sequence per parameter set.

Keys sorted, no blanks, ASCII only, numbers in their shortest form that reads back the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from aegis_governance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def render(values: Mapping[str, object]) -> bytes:
    """Return the canonical JSON of ``values``."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def parse(data: bytes) -> dict[str, object]:
    """Return the mapping that canonical JSON holds.

    Raises:
        ConfigError: Not JSON, or not a mapping. (That the bytes are canonical is for the caller to
            check, by rendering what was parsed.)
    """
    try:
        values = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise ConfigError("parameters", data, f"canonical JSON ({error})") from error
    if not isinstance(values, dict):
        raise ConfigError("parameters", data, "a JSON object of parameters")
    return cast("dict[str, object]", values)
