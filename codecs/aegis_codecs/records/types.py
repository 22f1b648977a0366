"""Avro schemas as a tree of plain values, for comparing them and for looking into them.

``resolve`` turns the JSON form of a schema into the tree. Names are replaced by what they stand
for; documentation and logical types are dropped.

Schemas of other writers come from the registry, so everything about them is bounded: recursion is
refused, and so are array items that may take no bytes (a few bytes could otherwise stand for
billions of items).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from aegis_codecs.records.errors import SchemaError

PRIMITIVES: Final = frozenset(
    {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
)
MAX_DEPTH: Final = 8
"""How deep types may nest; the deepest of our own records needs 4."""


@dataclass(frozen=True)
class Primitive:
    """One of the eight primitive types."""

    kind: str


@dataclass(frozen=True)
class Fixed:
    """``size`` bytes, always."""

    name: str
    size: int


@dataclass(frozen=True)
class Enum:
    """One of a few symbols, written as its index."""

    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Array:
    """Any number of items of one type."""

    items: AvroType


@dataclass(frozen=True)
class Map:
    """Any number of values of one type, by string."""

    values: AvroType


@dataclass(frozen=True)
class Union:
    """A value of one of several types."""

    branches: tuple[AvroType, ...]


@dataclass(frozen=True)
class Field:
    """One field of a record."""

    name: str
    type: AvroType
    has_default: bool = False
    default: object = None
    """The default as it stands in the JSON; None too if there is none."""


@dataclass(frozen=True)
class Record:
    """Named fields in the order they are written."""

    name: str
    fields: tuple[Field, ...]


AvroType: TypeAlias = Primitive | Fixed | Enum | Array | Map | Union | Record
NULL: Final = Primitive("null")


def resolve(schema: object) -> AvroType:
    """Build the tree of a schema in its JSON form.

    Args:
        schema: What ``json.loads`` gives for an ``.avsc`` file.

    Raises:
        SchemaError: The schema is malformed, recursive, deeper than ``MAX_DEPTH``, or holds an
            array whose items may take no bytes.
    """
    return _Resolver().type_of(schema, "", 0)


def optional(kind: AvroType) -> AvroType | None:
    """The ``T`` of a union of null and ``T`` in this order, else None."""
    match kind:
        case Union((Primitive("null"), other)):
            return other
    return None


def may_be_empty(kind: AvroType) -> bool:
    """Whether a value of this type can take no bytes at all."""
    if isinstance(kind, Record):
        return all(may_be_empty(field.type) for field in kind.fields)
    return kind == NULL


class _Resolver:
    """Walks one schema, remembering the names it has defined."""

    def __init__(self) -> None:
        self._named: dict[str, AvroType] = {}

    def type_of(self, schema: object, space: str, depth: int) -> AvroType:
        """The tree of ``schema`` inside the namespace ``space``."""
        if depth > MAX_DEPTH:
            raise SchemaError(f"the schema nests deeper than {MAX_DEPTH} types")
        match schema:
            case str():
                return self._reference(schema, space)
            case list():
                return Union(tuple(self.type_of(branch, space, depth + 1) for branch in schema))
            case {"type": "array", "items": items}:
                return _array(self.type_of(items, space, depth + 1))
            case {"type": "map", "values": values}:
                return Map(self.type_of(values, space, depth + 1))
            case {"type": "record" | "enum" | "fixed", "name": str(name), **others}:
                return self._define(schema, name, str(others.get("namespace", space)), depth)
            case {"type": str() | list() | dict() as inner}:
                return self.type_of(inner, space, depth + 1)
        raise SchemaError(f"not an Avro schema: {schema!r:.100}")

    def _reference(self, name: str, space: str) -> AvroType:
        if name in PRIMITIVES:
            return Primitive(name)
        full = name if "." in name or not space else f"{space}.{name}"
        if full not in self._named:
            raise SchemaError(f"the type {full} is not defined before its use, or is recursive")
        return self._named[full]

    def _define(self, schema: object, name: str, space: str, depth: int) -> AvroType:
        own_space, _, short = name.rpartition(".")
        space = own_space or space
        full = f"{space}.{short}" if space else short
        if full in self._named:
            raise SchemaError(f"the type {full} is defined twice")
        self._named[full] = defined = self._body(schema, short, space, depth)
        return defined

    def _body(self, schema: object, name: str, space: str, depth: int) -> AvroType:
        match schema:
            case {"type": "fixed", "size": int(size)} if size > 0:
                return Fixed(name, size)
            case {"type": "enum", "symbols": list(symbols)}:
                return Enum(name, tuple(str(symbol) for symbol in symbols))
            case {"type": "record", "fields": list(fields)}:
                return Record(name, tuple(self._field(field, space, depth) for field in fields))
        raise SchemaError(f"the type {name} is malformed")

    def _field(self, field: object, space: str, depth: int) -> Field:
        match field:
            case {"name": str(name), "type": kind, **others}:
                inner = self.type_of(kind, space, depth + 1)
                return Field(name, inner, "default" in others, others.get("default"))
        raise SchemaError(f"not a field: {field!r:.100}")


def _array(items: AvroType) -> Array:
    if may_be_empty(items):
        raise SchemaError("array items that may take no bytes are refused")
    return Array(items)
