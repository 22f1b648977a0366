"""Rows: the same bytes as the plain schema, whatever is constant and whatever is always given."""

from __future__ import annotations

import io
from typing import Any

import pytest
from fastavro import schemaless_writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aegis_codecs.records import bodies, schemas, types
from aegis_codecs.records.errors import EncodeError
from aegis_codecs.records.rows import Rows
from support.avro_records import values


def plainly_written(name: str, record: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    schemaless_writer(stream, schemas.parsed(schemas.source(name)), record)
    return stream.getvalue()


def optional_fields(record: types.Record) -> list[str]:
    return [field.name for field in record.fields if types.optional(field.type) is not None]


@pytest.mark.parametrize("name", schemas.RECORDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_bytes_are_those_of_the_plain_schema(name: str, data: st.DataObject) -> None:
    tree = schemas.tree(name)
    record = data.draw(values(tree))
    constant = data.draw(st.sets(st.sampled_from(sorted(record))), label="constant")
    held = [field for field in optional_fields(tree) if record[field] is not None]
    always = data.draw(st.sets(st.sampled_from(held)), label="given") if held else set()
    rows = Rows(tree, {field: record[field] for field in constant}, always)
    assert rows.names == tuple(f.name for f in tree.fields if f.name not in constant)
    row = [record[field] for field in rows.names]
    assert rows.encode(row) == plainly_written(name, record)


@pytest.mark.parametrize("change", [-1, 1])
def test_as_many_values_as_names(change: int) -> None:
    rows = Rows(schemas.tree("DriftChanged"))
    with pytest.raises(EncodeError, match=f"{len(rows.names)} values are needed"):
        rows.encode([None] * (len(rows.names) + change))


def test_a_value_that_is_promised_must_be_there() -> None:
    rows = Rows(schemas.tree("DecisionMade"), given=("phase", "impact", "content_sha256"))
    row = dict.fromkeys(rows.names)
    with pytest.raises(EncodeError, match="DecisionMade"):
        rows.encode(list(row.values()))


def test_a_constant_must_fit_its_field() -> None:
    with pytest.raises(EncodeError, match="ordinal"):
        Rows(schemas.tree("DecisionMade"), {"ordinal": "first"})


def test_rows_of_bodies() -> None:
    fields = {
        "cause_topic": "aegis.proposals",
        "cause_partition": 3,
        "cause_offset": 12,
        "cause_timestamp": 1_763_900_000_123,
        "cause_sha256": bytes(range(32)),
        "ordinal": 0,
        "leaf_time": 1_763_900_000_124,
        "agent_id": "agent-1",
        "proposal_id": "p-1",
        "content_sha256": bytes(32),
        "first_decision_id": "d-1",
        "effective_decision_id": "d-1",
    }
    rows = bodies.BodyRows("ProposalRepeated", {"cause_topic": "aegis.proposals", "ordinal": 0}, ())
    row = [fields[name] for name in rows.names]
    assert rows.encode(row) == bodies.encode("ProposalRepeated", fields)
    row[rows.names.index("agent_id")] = "a" * 70_000
    with pytest.raises(EncodeError, match="exceed the limit"):
        rows.encode(row)
