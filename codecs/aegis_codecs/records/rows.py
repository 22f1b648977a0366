"""Write records given as tuples, in fewer steps than the plain schema takes.

    rows = Rows(schemas.tree("DecisionMade"), {"ordinal": 0, "detail": ""}, given={"phase"})
    data = rows.encode(values)          # one value for each of rows.names

fastavro pays for each field: about 0.2 us for a number or a text, 0.4 us for an enum, 0.6 us for an
optional value, more for a named type inside a union, which it validates first to find the branch.
Avro has no tags and no padding, so neighbouring fields of known width are the same bytes as one
``fixed`` of their total width. A ``Rows`` is such an equivalent schema, with the values brought
into its form: a run of doubles, flags, digests, enums and constants is packed by one ``struct``
call, and an optional value of a named type names its branch. Tests compare the bytes with those of
the plain schema.
"""

from __future__ import annotations

import struct
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastavro import schemaless_writer

from aegis_codecs.records import schemas, types
from aegis_codecs.records.errors import EncodeError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

MIN_RUN: Final = 4
"""Shorter runs cost as much as they save, unless they hold a constant or an optional value."""

ENCODE_FAULTS: Final = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    struct.error,
)
"""What the library and ``struct`` raise for a value that does not fit."""

_WIDE_ENUM: Final = 64
"""An enum of this many symbols takes more than one byte."""

_GIVEN: Final = b"\x02"
"""How a union of null and one other type begins when it holds the other."""

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Rows:
    """Writes one record from tuples of its values.

    Args:
        record: Schema of the record.
        constants: Values of fields that are the same in every row; a row leaves them out.
        given: Optional fields that hold a value in every row.
        packed: Neighbouring fields of known width; a row has the bytes that stand for them in the
            place of the first, and nothing for the others.

    Attributes:
        names: Fields of a row, in order.

    Raises:
        EncodeError: A constant does not fit its field.
    """

    def __init__(
        self,
        record: types.Record,
        constants: Mapping[str, Any] = _NONE,
        given: Collection[str] = (),
        packed: Sequence[str] = (),
    ) -> None:
        self._name: Final = record.name
        record = _packed(record, packed)
        self.names: Final = tuple(f.name for f in record.fields if f.name not in constants)
        layout = _Layout(self.names, constants, given)
        runs, plain, schema = layout.split(record)
        places = {field.name: self.names.index(field.name) for field in plain}
        empty = (None,) * len(self.names)
        for name, run in [each for each in runs if each[1].starts_at >= len(self.names)]:
            # Nothing but constants: packed once.
            places[name] = len(self.names) + len(layout.constants)
            layout.constants.append(run.pack((*empty, *layout.constants)))
        self._runs: Final = [(name, run) for name, run in runs if name not in places]
        self._plain: Final = list(places)
        self._get: Final = _picker(list(places.values()))
        self._branches: Final = [(f.name, f"{f.name}_1") for f in plain if _is_named(f.type)]
        self._constants: Final = tuple(layout.constants)
        self._schema: Final = schemas.parse_avro(
            {"type": "record", "name": record.name, "fields": schema}
        )

    def encode(self, row: Sequence[Any]) -> bytes:
        """Encode one record.

        Args:
            row: A value for each of `names`.

        Raises:
            EncodeError: Too many or too few values, or one that does not fit.
        """
        stream = BytesIO()
        try:
            if len(row) != len(self.names):
                raise ValueError(f"{len(self.names)} values are needed, {len(row)} are given")
            if self._constants:
                row = (*row, *self._constants)
            values = dict(zip(self._plain, self._get(row), strict=True))
            for name, run in self._runs:
                values[name] = run.pack(row)
            for name, branch in self._branches:
                if values[name] is not None:
                    values[name] = (branch, values[name])
            schemaless_writer(stream, self._schema, values)
        except ENCODE_FAULTS as error:
            raise EncodeError(f"{self._name}: {type(error).__name__}: {error}") from error
        return stream.getvalue()


class _Part(NamedTuple):
    """A piece of a run: how ``struct`` writes it, and where its value comes from.

    Attributes:
        layout: Format of one value.
        source: Position of its value in a row, or of a constant behind the row.
        codes: Numbers of an enum's symbols.
        size: Length that a digest must have.
    """

    layout: str
    source: int
    codes: dict[str, int] | None = None
    size: int | None = None


class _Run:
    """Neighbouring fields of known width, written as one.

    Attributes:
        size: Their bytes.
        starts_at: Least position in a row that they are taken from.
    """

    def __init__(self, parts: Sequence[_Part]) -> None:
        self.starts_at: Final = min(part.source for part in parts)
        packing = struct.Struct("<" + "".join(part.layout for part in parts))
        self.size: Final = packing.size
        self._pack: Final = packing.pack
        self._get: Final = _picker([part.source for part in parts])
        self._codes: Final = [(i, part.codes) for i, part in enumerate(parts) if part.codes]
        self._sizes: Final = [(i, part.size) for i, part in enumerate(parts) if part.size]

    def pack(self, row: Sequence[Any]) -> bytes:
        """The bytes of these fields.

        Raises:
            KeyError: An enum has an unknown symbol.
            ValueError: A digest has the wrong length.
            struct.error: A number is none.
        """
        values = list(self._get(row))
        for index, codes in self._codes:
            values[index] = codes[values[index]]
        for index, size in self._sizes:
            if len(values[index]) != size:
                raise ValueError(f"{len(values[index])} bytes where {size} are needed")
        return self._pack(*values)


class _Layout:
    """Finds the runs of a record.

    Attributes:
        constants: Bytes that stand behind the values of every row.
    """

    def __init__(
        self, names: Sequence[str], constants: Mapping[str, Any], given: Collection[str]
    ) -> None:
        self.constants: list[bytes] = []
        self._names = names
        self._values = constants
        self._given = given

    def split(
        self, record: types.Record
    ) -> tuple[list[tuple[str, _Run]], list[types.Field], list[dict[str, object]]]:
        """Return the runs by the name of their first field, the other fields, and the schema."""
        runs: list[tuple[str, _Run]] = []
        plain: list[types.Field] = []
        schema: list[dict[str, object]] = []
        for fits, group in groupby(record.fields, self._fits):
            fields = list(group)
            name = fields[0].name
            if fits and self._pays(fields):
                run = _Run([part for field in fields for part in self._parts(field)])
                runs.append((name, run))
                schema.append({"name": name, "type": _json(types.Fixed("", run.size), name)})
            else:
                plain += fields
                schema += [{"name": f.name, "type": _json(f.type, f.name)} for f in fields]
        return runs, plain, schema

    def _fits(self, field: types.Field) -> bool:
        """Whether the field has the same width in every row."""
        return field.name in self._values or _part(self._held(field), 0) is not None

    def _pays(self, fields: Sequence[types.Field]) -> bool:
        """Whether one piece in place of these fields is less work."""
        names = {field.name for field in fields}
        return len(fields) >= MIN_RUN or not names.isdisjoint({*self._values, *self._given})

    def _parts(self, field: types.Field) -> list[_Part]:
        if field.name in self._values:
            return [self._constant(_encoded(field, self._values[field.name]))]
        part = _part(self._held(field), self._names.index(field.name))
        marks = [self._constant(_GIVEN)] if field.name in self._given else []
        return marks if part is None else [*marks, part]

    def _held(self, field: types.Field) -> types.AvroType:
        """The type of the values that rows have here."""
        branch = types.optional(field.type) if field.name in self._given else None
        return field.type if branch is None else branch

    def _constant(self, data: bytes) -> _Part:
        self.constants.append(data)
        return _Part(f"{len(data)}s", len(self._names) + len(self.constants) - 1)


def codes_of(kind: types.AvroType) -> dict[str, int]:
    """The byte that stands for each symbol of an enum.

    Raises:
        SchemaError: The type is no enum, or one of so many symbols that they take two bytes.
    """
    match kind:
        case types.Enum(_, symbols) if len(symbols) < _WIDE_ENUM:
            return {symbol: number << 1 for number, symbol in enumerate(symbols)}
    raise SchemaError(f"no enum of fewer than {_WIDE_ENUM} symbols: {kind}")


def _packed(record: types.Record, names: Sequence[str]) -> types.Record:
    """The record with these fields as one of their total width, under the name of the first."""
    if not names:
        return record
    parts = [_part(field.type, 0) for field in record.fields if field.name in names]
    at = next(n for n, field in enumerate(record.fields) if field.name == names[0])
    there = tuple(field.name for field in record.fields[at : at + len(names)])
    known = [part for part in parts if part is not None]
    if there != tuple(names) or len(known) != len(names):
        raise SchemaError(f"{record.name}: {names} are not neighbours of known width in this order")
    size = struct.calcsize("<" + "".join(part.layout for part in known))
    one = types.Field(names[0], types.Fixed(names[0], size))
    return types.Record(record.name, (*record.fields[:at], one, *record.fields[at + len(names) :]))


def _part(kind: types.AvroType, source: int) -> _Part | None:
    """How ``struct`` writes a type; None if its width varies."""
    match kind:
        case types.Primitive("double"):
            return _Part("d", source)
        case types.Primitive("boolean"):
            return _Part("?", source)
        case types.Fixed(_, size):
            return _Part(f"{size}s", source, size=size)
        case types.Enum(_, symbols) if len(symbols) < _WIDE_ENUM:
            return _Part("B", source, codes=codes_of(kind))
    return None


def _encoded(field: types.Field, value: object) -> bytes:
    """The bytes of a field, written by the library.

    Raises:
        EncodeError: The value does not fit.
    """
    written = {"name": field.name, "type": _json(field.type, field.name)}
    schema = schemas.parse_avro({"type": "record", "name": "constant", "fields": [written]})
    stream = BytesIO()
    try:
        schemaless_writer(stream, schema, {field.name: value})
    except ENCODE_FAULTS as error:
        raise EncodeError(f"{field.name}: {type(error).__name__}: {error}") from error
    return stream.getvalue()


def _is_named(kind: types.AvroType) -> bool:
    """Whether the type is optional and its values are of a named type."""
    return isinstance(types.optional(kind), types.Record | types.Enum | types.Fixed)


def _picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Take the values at these positions, as a tuple however many there are."""
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda row: tuple(row[position] for position in positions)


def _json(kind: types.AvroType, name: str) -> object:
    """A type in JSON. Its name is made from ``name``: names decide nothing in what is written."""
    match kind:
        case types.Fixed():
            written: object = {"type": "fixed", "name": name, "size": kind.size}
        case types.Enum():
            written = {"type": "enum", "name": name, "symbols": list(kind.symbols)}
        case types.Array():
            written = {"type": "array", "items": _json(kind.items, f"{name}_item")}
        case types.Map():
            written = {"type": "map", "values": _json(kind.values, f"{name}_value")}
        case types.Union():
            written = [_json(branch, f"{name}_{i}") for i, branch in enumerate(kind.branches)]
        case types.Record():
            fields = [
                {"name": field.name, "type": _json(field.type, f"{name}_{field.name}")}
                for field in kind.fields
            ]
            written = {"type": "record", "name": name, "fields": fields}
        case types.Primitive():
            written = kind.kind
    return written
