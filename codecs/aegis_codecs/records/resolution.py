"""Which schemas can read what other schemas wrote.

Avro's resolution rules, without the promotions that change a value's kind: an ``int`` is read as a
``long`` and a ``float`` as a ``double``, nothing else. Every rule here is at least as strict as the
specification's, so whatever passes here passes in any other implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_codecs.records import types

if TYPE_CHECKING:
    from aegis_codecs.records.types import AvroType

_PROMOTIONS = frozenset({("int", "long"), ("float", "double")})


def mismatch(writer: AvroType, reader: AvroType, path: str = "") -> str | None:
    """Say why ``reader`` cannot read what ``writer`` wrote; None if it can.

    Args:
        writer: Schema the bytes were written with.
        reader: Schema of the record that is wanted.
        path: Where in the record these two stand; used in the answer.
    """
    if isinstance(writer, types.Union):
        found = (mismatch(branch, reader, path) for branch in writer.branches)
        return next((why for why in found if why is not None), None)
    if isinstance(reader, types.Union):
        fits = any(mismatch(writer, branch) is None for branch in reader.branches)
        return None if fits else _differ(path, writer, reader)
    match writer, reader:
        case types.Array(), types.Array():
            return mismatch(writer.items, reader.items, f"{path}[]")
        case types.Map(), types.Map():
            return mismatch(writer.values, reader.values, f"{path}{{}}")
        case types.Record(), types.Record() if writer.name == reader.name:
            return _records(writer, reader, path)
    return None if _simply_fits(writer, reader) else _differ(path, writer, reader)


def _simply_fits(writer: AvroType, reader: AvroType) -> bool:
    match writer, reader:
        case types.Primitive(), types.Primitive():
            return writer == reader or (writer.kind, reader.kind) in _PROMOTIONS
        case types.Enum(), types.Enum():
            return writer.name == reader.name and set(writer.symbols) <= set(reader.symbols)
    return writer == reader


def _records(writer: types.Record, reader: types.Record, path: str) -> str | None:
    written = {field.name: field.type for field in writer.fields}
    for field in reader.fields:
        where = f"{path}.{field.name}".lstrip(".")
        if field.name not in written:
            if not field.has_default:
                return f"{where}: the writer has no such field, and it has no default"
        elif (why := mismatch(written[field.name], field.type, where)) is not None:
            return why
    return None


def _differ(path: str, writer: AvroType, reader: AvroType) -> str:
    return f"{path or 'the schema'}: {_name(writer)} was written, {_name(reader)} is wanted"


def _name(kind: AvroType) -> str:
    """A few words for a type."""
    match kind:
        case types.Primitive():
            return kind.kind
        case types.Union():
            return f"a union of {', '.join(_name(branch) for branch in kind.branches)}"
        case types.Fixed() | types.Enum() | types.Record():
            return f"{type(kind).__name__.lower()} {kind.name}"
    return type(kind).__name__.lower()
