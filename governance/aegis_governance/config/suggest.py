"""Refusing unknown keys, with the nearest known name as a hint."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from aegis_governance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_LISTED: Final = 12
"""The most names that a message lists."""


def nearest(name: object, known: Iterable[str]) -> str:
    """Return the known name most like ``name``, or an empty string when none is like it."""
    matches = get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def instead(name: object, known: Iterable[str]) -> str:
    """Return what to give in place of an unknown name, as text for an error message."""
    names = tuple(known)
    best = nearest(name, names)
    if best:
        return f"{best!r}, the nearest known name"
    return "one of " + ", ".join(names) if len(names) <= _LISTED else "a known name"


def refuse_unknown(given: Mapping[str, object], known: Iterable[str], where: str = "") -> None:
    """Raise ``ConfigError`` for the first key of ``given`` that is not in ``known``."""
    names = tuple(known)
    for key in given:
        if key not in names:
            raise ConfigError(where or "unknown key", key, instead(key, names))
