"""Reading a proposal from JSON, strictly: a misspelt ``risk_proposed`` must not become 0.

Unknown and repeated keys are refused; ``metadata`` is the place for anything else. Short names are
accepted, and the reader is told which inputs were defaulted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, NamedTuple

from aegis_governance.config.suggest import instead
from aegis_governance.context import PCWContext
from aegis_governance.errors import InputError, UnreadableError
from aegis_governance.utility import UtilityResult

ALIASES: Final[Mapping[str, str]] = {
    "risk": "risk_proposed",
    "risk_base": "risk_baseline",
    "profit": "profit_proposed",
    "profit_base": "profit_baseline",
    "novelty": "novelty_score",
    "complexity": "complexity_score",
    "quality": "quality_score",
}
"""Short names of inputs."""
RISK_SCORE: Final = "risk_score"
"""Another name of ``risk_proposed``, read only where neither that nor ``risk`` is given."""
NO_SUMMARY: Final = "(no summary given)"
"""The summary of a proposal that gives none."""

_FIELDS: Final = tuple(each.name for each in fields(PCWContext))
_NAMES: Final = (*_FIELDS, *ALIASES, RISK_SCORE)
_UTILITY: Final = tuple(each.name for each in fields(UtilityResult))
_RECORDED_ONLY: Final = ("metadata", "proposal_id", "submitted_at")


class ReadProposal(NamedTuple):
    """A proposal, and what was not said about it.

    Attributes:
        context: The proposal.
        defaulted: Inputs that were not given, in order; their defaults were taken.
        ignored: Keys that were given but not read.
    """

    context: PCWContext
    defaulted: tuple[str, ...]
    ignored: tuple[str, ...]


def parse(text: str) -> Mapping[str, object]:
    """Return the object that ``text`` holds.

    Raises:
        InputError: A key stands twice in one object, or the text is not an object.
        UnreadableError: The text is not JSON.
    """
    try:
        values = json.loads(text, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"the proposal is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError("proposal", values, "a JSON object")
    return values


def read(values: Mapping[str, object]) -> ReadProposal:
    """Return the proposal that ``values`` state; numbers and words are not judged here.

    Raises:
        InputError: An unknown key (the message names the nearest one), an input given under two
            names, or a utility result that is not one.
    """
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key not in _NAMES:
            raise InputError("unknown key", key, f"{instead(key, _NAMES)}, or put it in metadata")
        name = ALIASES.get(key, key)
        if name in given:
            raise InputError(name, value, f"it once, as {name!r} or by its short name")
        given[name] = value
    score = [given.pop(RISK_SCORE)] if RISK_SCORE in given else []
    ignored = (RISK_SCORE,) if score and "risk_proposed" in given else ()
    if score and not ignored:
        given["risk_proposed"] = score[0]
    if "utility_result" in given:
        given["utility_result"] = _utility(given["utility_result"])
    defaulted = tuple(name for name in _FIELDS if name not in given and name not in _RECORDED_ONLY)
    given.setdefault("proposal_summary", NO_SUMMARY)
    return ReadProposal(PCWContext(**given), defaulted, ignored)


def _utility(value: object) -> UtilityResult | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InputError("utility_result", value, "an object of mean and variance, or null")
    for key in value:
        if key not in _UTILITY:
            raise InputError("unknown key", f"utility_result.{key}", instead(key, _UTILITY))
    for key in ("mean", "variance"):
        if key not in value:
            raise InputError(f"utility_result.{key}", None, "a finite number")
    return UtilityResult(**value)


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in pairs:
        if key in values:
            raise InputError("repeated key", key, "each key once")
        values[key] = value
    return values
