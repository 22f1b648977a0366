"""Telling whether bytes are the canonical encoding of what they were decoded to, without encoding.

Avro leaves a writer few freedoms: a longer form of a number, an array or a map cut into several
blocks or with its size in bytes, the order of a map's entries, any byte other than 0 for true. The
first two, and a key that comes twice, make the bytes *longer* than the canonical ones. So bytes are
canonical exactly if they have the canonical length, their maps are in the order of the keys, and
their flags are 0 or 1. Measuring the length costs a third of encoding the record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_codecs.records import types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Measure = Callable[[Any], int]
"""Bytes that a value takes in canonical form; more than any record has if that is not known."""

UNKNOWN: Final = 1 << 62
_SMALL: Final = 64
"""Lengths and counts below this take one byte."""
_WIDTHS: Final = {"double": 8, "float": 4, "boolean": 1, "null": 0}


class _Step(NamedTuple):
    """Fields of known width, then one whose width varies.

    Attributes:
        width: Bytes of the fields of known width together.
        flags: Where in them the booleans are.
        name: The field after them.
        measure: Its width.
    """

    width: int
    flags: tuple[int, ...]
    name: str
    measure: Measure


class Canonical:
    """Recognises canonical encodings of one record.

    Args:
        record: Its schema.
    """

    def __init__(self, record: types.Record) -> None:
        self._steps, self._width, self._flags = _steps(record.fields)

    def holds(self, values: Mapping[str, Any], encoded: bytes, start: int) -> bool:
        """Whether the bytes from `start` on are the canonical encoding of `values`.

        Args:
            values: What these very bytes were decoded to.
            encoded: The bytes.
            start: Where the record begins.
        """
        at = start
        for width, flags, name, measure in self._steps:
            for flag in flags:
                if encoded[at + flag] > 1:
                    return False
            at += width + measure(values[name])
            if at > len(encoded):
                return False
        return at + self._width == len(encoded) and all(
            encoded[at + flag] <= 1 for flag in self._flags
        )


def _steps(fields: Iterable[types.Field]) -> tuple[list[_Step], int, tuple[int, ...]]:
    steps: list[_Step] = []
    width = 0
    flags: tuple[int, ...] = ()
    for field in fields:
        known = _width(field.type)
        if known is None:
            steps.append(_Step(width, flags, field.name, _measure(field.type)))
            width, flags = 0, ()
            continue
        if field.type == types.Primitive("boolean"):
            flags = (*flags, width)
        width += known
    return steps, width, flags


def _width(kind: types.AvroType) -> int | None:
    """How many bytes every value of a type takes; None if that varies."""
    match kind:
        case types.Primitive(name):
            return _WIDTHS.get(name)
        case types.Fixed(_, size):
            return size
        case types.Enum(_, symbols) if len(symbols) < _SMALL:
            return 1
    return None


def _measure(kind: types.AvroType) -> Measure:
    """The function that measures values of a type."""
    measure: Measure = _unknown
    match kind:
        case types.Primitive("string"):
            measure = _text
        case types.Primitive("bytes"):
            measure = _bytes
        case types.Primitive("int" | "long"):
            measure = _number
        case types.Union((types.Primitive("null"), other)):
            measure = _optional(_held(other))
        case types.Array(items):
            measure = _array(items)
        case types.Map(values):
            measure = _map(_held(values))
        case types.Record(_, fields):
            measure = _record(fields)
    return measure


def _held(kind: types.AvroType) -> Measure:
    """As ``_measure``, for values inside another one, where nobody looks at flags."""
    if kind == types.Primitive("boolean"):
        return _unknown
    known = _width(kind)
    return _measure(kind) if known is None else lambda _: known


def _unknown(_: object) -> int:
    return UNKNOWN


def _number(value: int) -> int:
    """Bytes of an int or a long: 7 bits each, the sign folded into the lowest."""
    folded = value << 1 if value >= 0 else ~(value << 1)
    return (folded.bit_length() + 6) // 7 or 1


def _text(value: str) -> int:
    size = len(value) if value.isascii() else len(value.encode())
    return size + 1 if size < _SMALL else size + _number(size)


def _bytes(value: bytes) -> int:
    return _number(len(value)) + len(value)


def _optional(measure: Measure) -> Measure:
    return lambda value: 1 if value is None else 1 + measure(value)


def _array(items: types.AvroType) -> Measure:
    known, one = _width(items), _held(items)
    if known is not None and items != types.Primitive("boolean"):
        return lambda value: _number(len(value)) + known * len(value) + 1 if value else 1
    return lambda value: _number(len(value)) + sum(map(one, value)) + 1 if value else 1


def _map(one: Measure) -> Measure:
    def measure(entries: Mapping[str, Any]) -> int:
        if not entries:
            return 1
        if not is_ordered(entries):
            return UNKNOWN
        size = _number(len(entries)) + 1
        for key, value in entries.items():
            size += _text(key) + one(value)
        return size

    return measure


def _record(fields: Sequence[types.Field]) -> Measure:
    parts = [(field.name, _held(field.type)) for field in fields]
    return lambda value: sum(measure(value[name]) for name, measure in parts)


def is_ordered(entries: Mapping[str, Any]) -> bool:
    """Whether a map's entries are in the order of their keys."""
    return len(entries) <= 1 or list(entries) == sorted(entries)
