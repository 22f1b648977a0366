"""The database reads leaf bodies exactly as the codecs do, and gives the same sentences."""

from __future__ import annotations

import json
import struct
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.records import bodies, schemas
from aegis_governance.decision.explain import explain
from aegis_governance.gates import GateResult
from aegis_governance.vocabulary import GATES
from aegis_streams.sink.errors import SchemaDiffersError
from aegis_streams.sink.prepare import prepare_database
from support.avro_records import values
from support.leaf_bodies import decision_body

if TYPE_CHECKING:
    import psycopg

    from support.database import TestDatabase

EDGES = (0.0, 5e-324, 2.225073858507201e-308, sys.float_info.min, sys.float_info.max, 0.1, -1.5)


def read(connection: psycopg.Connection, body: bytes) -> Any:
    row = connection.execute("select aegis.body_fields(%s)::text", [body]).fetchone()
    assert row is not None
    return None if row[0] is None else json.loads(row[0])


def same(expected: Any, found: Any) -> bool:
    """Whether a field is what the codecs read, digests in hexadecimal, NUL as its symbol."""
    match expected:
        case str():
            return bool(found == expected.replace("\0", "\u2400"))
        case bytes():
            return bool(found == expected.hex())
        case float():
            return float(found) == expected
        case dict():
            shown = {key.replace("\0", "\u2400"): value for key, value in expected.items()}
            return set(shown) == set(found) and all(same(shown[k], found[k]) for k in shown)
        case list():
            return len(expected) == len(found) and all(map(same, expected, found))
    return bool(expected == found)


def storable(value: Any) -> bool:
    """Whether JSON in the database can hold it: no infinities."""
    match value:
        case float():
            return abs(value) <= sys.float_info.max
        case dict():
            return all(storable(each) for each in value.values())
        case list():
            return all(storable(each) for each in value)
    return True


@pytest.mark.parametrize("kind", schemas.BODIES)
def test_every_body_is_read_as_the_codecs_read_it(kind: str, database: TestDatabase) -> None:
    with database.auditor() as auditor:

        @settings(max_examples=40)
        @given(values(schemas.tree(kind)).filter(storable))
        def check(fields: dict[str, Any]) -> None:
            body = bodies.encode(kind, fields)
            assert same(bodies.decode(body).fields, read(auditor, body))

        check()


@pytest.mark.parametrize("text", ["\0", "a\0b", "é\0\0Ω\x01", "\\000", "0\0" * 12_000])
def test_a_text_with_nul_is_shown(text: str, database: TestDatabase) -> None:
    body = decision_body(detail=text, session_id="after it")
    with database.auditor() as auditor:
        found = read(auditor, body)
    assert found["detail"] == text.replace("\0", "\u2400")
    assert found["session_id"] == "after it"


def test_every_double_is_read_exactly(database: TestDatabase) -> None:
    with database.auditor() as auditor:

        @settings(max_examples=200)
        @given(st.one_of(st.sampled_from(EDGES), st.floats(allow_nan=False)))
        def check(number: float) -> None:
            row = auditor.execute("select aegis.avro_double(%s, 0)", [struct.pack("<d", number)])
            assert row.fetchone() == (number,)

        check()


def test_what_is_no_body_is_null(database: TestDatabase) -> None:
    whole = decision_body()
    with database.auditor() as auditor:
        assert read(auditor, whole) is not None
        for wrong in (b"", b"\xc3\x01", bytes(40), whole[:-1], whole[:60], whole + b"\0",
                      whole[:2] + bytes(8) + whole[10:]):  # fmt: skip
            assert read(auditor, wrong) is None

        @settings(max_examples=60)
        @given(st.integers(10, len(whole) - 1), st.integers(0, 255))
        def damaged(place: int, byte: int) -> None:
            read(auditor, whole[:place] + bytes([byte]) + whole[place + 1 :])  # never an error

        damaged()


def test_sentences_about_gates_are_those_of_the_core(database: TestDatabase) -> None:
    number = st.one_of(
        st.floats(-1e6, 1e6),
        st.floats(0, 1),
        st.sampled_from([0.95, 0.9500001, 0.95000000001, 1.0]),
    )
    constraint = st.lists(st.sampled_from(["risk_ceiling", "profit_floor", "drift_warning"]))
    outcome = st.sampled_from(["passed", "failed", "not_evaluated"])
    with database.auditor() as auditor:

        @settings(max_examples=150)
        @given(outcome, number, number, constraint)
        def check(said: str, value: float, threshold: float, constraints: list[str]) -> None:
            gates = [GateResult(said, value, threshold, 1.0) for _ in GATES]  # type: ignore[arg-type]  # as read from a body
            expected = dict(explain("gate_failed", gates, constraints).messages)
            rows = auditor.execute(
                "select g, aegis.gate_message(g, %s, %s, %s, %s) from unnest(%s::text[]) as g",
                [said, value, threshold, json.dumps(constraints), list(GATES)],
            )
            found = dict(rows.fetchall())
            if said == "failed" and value >= threshold:
                del found["complexity"], expected["complexity"]  # that gate cannot fail so
            assert found == expected

        check()


def test_a_schema_that_somebody_changed_is_refused(database: TestDatabase) -> None:
    """It is named, and comes back once the wrong row is removed."""
    with database.admin() as admin:
        admin.execute(
            "update aegis.body_schemas set type = replace(type::text, 'halt', 'stop')::jsonb "
            "where name = 'DecisionMade'"
        )
    mark = bodies.prefix("DecisionMade")[2:]
    with pytest.raises(
        SchemaDiffersError, match=f"schema of DecisionMade, fingerprint {mark.hex()}"
    ):
        prepare_database(database.admin_url, database.server.secrets)
    with database.admin() as admin:
        admin.execute("delete from aegis.body_schemas where fingerprint = %s", [mark])
    prepare_database(database.admin_url, database.server.secrets)
    with database.auditor() as auditor:
        fields = read(auditor, decision_body())
    assert fields["status"] == bodies.decode(decision_body()).fields["status"]
