"""The schemas of leaf bodies as the database's decoder takes them (migration 0006)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aegis_codecs.records import schemas, types
from aegis_streams.sink.errors import SchemaDiffersError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg


def store_body_schemas(connection: psycopg.Connection) -> None:
    """Write down every version of every body record; those that are there already stay.

    Raises:
        SchemaDiffersError: One that is there is another than that of its file.
    """
    wanted = [(mark, name, json.dumps(described(record))) for mark, name, record in _versions()]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into aegis.body_schemas (fingerprint, name, type) values (%s, %s, %s) "
            "on conflict do nothing",
            wanted,
        )
        for mark, name, text in wanted:
            cursor.execute(
                "select from aegis.body_schemas where fingerprint = %s "
                "and (name, type) is distinct from (%s, %s::jsonb)",
                (mark, name, text),
            )
            if cursor.fetchone() is not None:
                raise SchemaDiffersError(
                    f"aegis.body_schemas: the schema of {name}, fingerprint {mark.hex()}, is not "
                    "that of its file, so the views show something else than was signed. Only an "
                    "administrator of the database can have changed it: find out who did, run "
                    "`aegis fsck`, then delete that row as administrator and run `aegis database "
                    "prepare` again"
                )


def described(kind: types.AvroType) -> object:
    """Return a type as JSON with every name resolved."""
    found: object
    match kind:
        case types.Primitive(name):
            found = name
        case types.Fixed(_, size):
            found = {"fixed": size}
        case types.Enum(_, symbols):
            found = {"enum": list(symbols)}
        case types.Array(items):
            found = {"array": described(items)}
        case types.Map(values):
            found = {"map": described(values)}
        case types.Union(branches):
            found = {"union": [described(branch) for branch in branches]}
        case types.Record(_, fields):
            found = {"record": [[field.name, described(field.type)] for field in fields]}
    return found


def _versions() -> Iterator[tuple[bytes, str, types.Record]]:
    for name in schemas.BODIES:
        for text in (schemas.source(name), *schemas.history(name)):
            mark = schemas.fingerprint(schemas.canonical_form(text))
            yield mark, name, schemas.parse(text)
