"""Proposals as JSON, read strictly: a misspelt field must never become a silent default.

Unknown keys are refused and the nearest known one is named; so are repeated keys, missing keys,
wrong types (a boolean is no number), NaN, unpaired surrogates, and deep nesting. ``metadata`` is
the free place. An integer is accepted where a number is wanted, and ``submitted_at`` may be an RFC
3339 text with an offset.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard

from aegis_codecs.records import rfc3339, schemas, types
from aegis_codecs.records.codec import UNDECODABLE
from aegis_codecs.records.errors import EncodeError, ProposalDecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_NESTING: Final = 16
"""How deep arrays and objects may nest; a proposal needs 3."""

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKET: Final = re.compile(rb"[^\[\]{}]+")
_SHOWN: Final = 80
_TIME_FIELD: Final = "submitted_at"
_TIME: Final = (
    "an integer of milliseconds since 1970, or an RFC 3339 text with an offset, such as"
    ' "2026-11-23T14:00:00Z"'
)


class _WrongError(Exception):
    """A value is not what its field wants."""


def decode(value: bytes) -> dict[str, Any]:
    """Decode a proposal from JSON in UTF-8; every field of the schema is in the result.

    Raises:
        ProposalDecodeError: Reason ``undecodable``; the detail names the field and what it wants.
    """
    repeated: list[str] = []
    document = _parse(value, repeated)
    if not isinstance(document, dict):
        raise ProposalDecodeError(UNDECODABLE, "value: a proposal is a JSON object")
    ids = _ids(document, repeated)
    try:
        if repeated:
            _wrong(f"{_shown(repeated[0])}: the key is given more than once; give it once")
        return _record(_schema(), document, "")
    except _WrongError as error:
        raise ProposalDecodeError(UNDECODABLE, str(error), *ids) from None


def encode(record: Mapping[str, Any]) -> str:
    """A proposal as one line of JSON for people; ``decode`` gives the same record back.

    Raises:
        EncodeError: The record holds something that JSON cannot say.
    """
    try:
        document = {**record, _TIME_FIELD: rfc3339.render(record[_TIME_FIELD])}
        return json.dumps(document, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise EncodeError(f"ProposalSubmitted as JSON: {error}") from error


@cache
def _schema() -> types.Record:
    return schemas.tree("ProposalSubmitted")


def _parse(value: bytes, repeated: list[str]) -> object:
    """Parse the text; keys that come twice in one object are added to ``repeated``."""

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.extend(key for key in found if counts[key] > 1)
        return found

    if _depth(value) > MAX_NESTING:
        raise ProposalDecodeError(UNDECODABLE, f"value: JSON nests deeper than {MAX_NESTING}")
    try:
        text = value.decode("utf-8")
        parsed: object = json.loads(text, object_pairs_hook=collect, parse_constant=_no_constant)
    except _WrongError as error:
        raise ProposalDecodeError(UNDECODABLE, str(error)) from None
    except ValueError as error:
        raise ProposalDecodeError(
            UNDECODABLE, "value: not JSON in UTF-8; check it with a JSON tool"
        ) from error
    return parsed


def _depth(value: bytes) -> int:
    """How deep the brackets nest, looked up before parsing: the parser recurses."""
    if value.count(b"[") + value.count(b"{") <= MAX_NESTING:
        return 0
    deepest = depth = 0
    for bracket in _NOT_BRACKET.sub(b"", _STRING.sub(b"", value)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _no_constant(name: str) -> NoReturn:
    _wrong(f"value: {name} is not a number; every number must be finite")


def _ids(document: dict[str, Any], repeated: list[str]) -> tuple[str | None, str | None]:
    """Proposal id and agent id, as far as they are unmistakable."""
    found = (
        document.get(name) if name not in repeated else None for name in ("proposal_id", "agent_id")
    )
    proposal_id, agent_id = (
        name if isinstance(name, str) and _is_text(name) else None for name in found
    )
    return proposal_id, agent_id


def _record(kind: types.Record, document: dict[str, object], path: str) -> dict[str, Any]:
    names = [field.name for field in kind.fields]
    for key in document:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            hint = f"; did you mean {path}{near[0]}?" if near else "; metadata is the free place"
            _wrong(f"{path}{_shown(key)}: unknown key{hint}")
    return {field.name: _field(field, document, path) for field in kind.fields}


def _field(field: types.Field, document: dict[str, object], path: str) -> object:
    where = f"{path}{field.name}"
    if field.name not in document:
        if not field.has_default:
            _wrong(f"{where}: missing; every field but metadata must be given")
        return {} if field.default == {} else field.default
    value = document[field.name]
    if where == _TIME_FIELD and isinstance(value, str):
        moment = rfc3339.parse(value)
        return _refuse(where, value, _TIME) if moment is None else moment
    return _value(field.type, value, where)


def _value(kind: types.AvroType, value: object, where: str) -> object:
    """Check one value and bring it into the form of the record."""
    match kind:
        case types.Union((_, inner)):
            return None if value is None else _value(inner, value, where)
        case types.Primitive("double") if _is_number(value):
            return _double(value, where)
        case types.Primitive(name) if _FITS[name](value):
            return value
        case types.Enum(_, symbols) if value in symbols:
            return value
        case types.Array() | types.Map() | types.Record() if isinstance(value, list | dict):
            return _nested(kind, value, where)
    return _refuse(where, value, _wanted(kind, where))


def _nested(kind: types.AvroType, value: list[Any] | dict[str, Any], where: str) -> object:
    match kind, value:
        case types.Array(items), list():
            return [_value(items, item, f"{where}[{i}]") for i, item in enumerate(value)]
        case types.Map(values), dict():
            return {_key(key, where): _value(values, item, where) for key, item in value.items()}
        case types.Record(), dict():
            return _record(kind, value, f"{where}.")
    return _refuse(where, value, _wanted(kind, where))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _double(value: float, where: str) -> float:
    try:
        return float(value)
    except OverflowError:
        return _refuse(where, value, "a number that a double can hold")


def _key(key: str, where: str) -> str:
    return key if _is_text(key) else _refuse(where, key, "keys without unpaired surrogates")


def _is_text(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON escapes can make unpaired surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_FITS: Final[dict[str, Callable[[object], bool]]] = {
    "string": lambda value: isinstance(value, str) and _is_text(value),
    "boolean": lambda value: isinstance(value, bool),
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": lambda _: False,  # handled before, as it is converted
}


def _wanted(kind: types.AvroType, where: str) -> str:
    """What a field wants, in words."""
    if where == _TIME_FIELD:
        return _TIME
    match kind:
        case types.Enum(_, symbols):
            return "one of " + ", ".join(symbols)
        case types.Primitive(name):
            words = {"double": "a number", "boolean": "true or false"}
            return words.get(name, "a text without unpaired surrogates")
        case types.Array():
            return "a list"
    return "an object"


def _refuse(where: str, value: object, wanted: str) -> NoReturn:
    _wrong(f"{where[:_SHOWN]}: {_shown(value)} is not accepted; give {wanted}")


def _wrong(detail: str) -> NoReturn:
    raise _WrongError(detail)


def _shown(value: object) -> str:
    """A value in ASCII, cut short: what counts as printable differs between Python versions."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
