"""What the judge reads in a body, and which of it is copied."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aegis_codecs.records import audit, bodies, schemas
from aegis_codecs.records.wire import WireEncoder
from aegis_streams.decide.identity import InputRecord, decision_id
from aegis_streams.fsck.bodies import Foreseen, columns_as_avro, read
from aegis_streams.names import PROPOSALS
from support.avro_records import values
from support.deciding import AGENT, LOG, PARTITION, START, proposal
from support.leaf_bodies import decision_body
from support.memory_log import TOPICS, memory_log

if TYPE_CHECKING:
    from aegis_codecs.records.audit import AuditEntry
    from support.memory_log import MemoryLog

TEXTS = st.text(max_size=8) | st.integers(120, 140).map("x".__mul__)
HOSTILE = ("a\0b", "\x1b[2J", "a\x85b", "x" * 129, "x" * 20_000)


@pytest.mark.parametrize("kind", schemas.BODIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_copies_are_those_of_the_codecs(kind: str, data: st.DataObject) -> None:
    fields = data.draw(values(schemas.tree(kind)))
    for name in ("agent_id", "proposal_id", "actor"):
        if name in fields:
            fields[name] = data.draw(TEXTS)
    body = bodies.encode(kind, fields)
    assert read(body)[0].columns() == audit.columns_of(body)


@given(agent=TEXTS, name=TEXTS)
@example(agent="a\0b", name="p")
@example(agent="a", name="x" * 129)
@example(agent="é" * 128, name="p")
def test_the_quick_way_takes_only_what_is_copied(agent: str, name: str) -> None:
    key, value = agent.encode(), b"value"
    record = InputRecord(PROPOSALS, PARTITION, 5, START, key, value)
    body = decision_body(
        cause_topic=PROPOSALS, cause_partition=PARTITION, cause_offset=5, cause_timestamp=START,
        cause_sha256=sha256(value).digest(), leaf_time=START, agent_id=agent, proposal_id=name,
        decision_id=decision_id(LOG, record, 0),
    )  # fmt: skip
    plain = Foreseen(LOG, PROPOSALS, PARTITION).read(body, (5, START, key, value), 0)
    facts = read(body)[0]
    assert (plain is None) == (None in (facts.agent, facts.proposal))
    assert plain is None or plain.columns == columns_as_avro(facts)


def refused(text: str) -> MemoryLog:
    """A log in which what was refused named such an agent, or such a proposal."""
    known: list[object] = [
        proposal("p-1"),
        proposal(text),
        json.dumps({"agent_id": text}).encode(),
        proposal("p-2", agent_id=text),
        proposal("p-3"),
    ]
    return memory_log(known)


@pytest.mark.parametrize("text", HOSTILE)
def test_refused_inputs_that_name_no_id_are_believed(text: str) -> None:
    log = refused(text)
    found = log.judge()
    assert found.findings == []
    entries = [decoded(record[3]) for record in log.records[TOPICS.audit]]
    rejected = [entry for entry in entries if entry.kind == "InputRejected"]
    assert [entry[8:10] for entry in rejected] == [(AGENT, None), (None, None), (None, "p-2")]
    said: list[dict[str, Any]] = [dict(bodies.decode(entry.body).fields) for entry in rejected]
    assert [each["agent_id"] for each in said] == [AGENT, text, text]
    assert said[0]["proposal_id"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_copy_that_must_not_be_is_found(text: str) -> None:
    log = refused(text)
    records = log.records[TOPICS.audit]
    offset, stamp, key, value = records[3]
    lying = decoded(value)._replace(agent_id=text)
    records[3] = (offset, stamp, key, WireEncoder(audit.codec(), 3).encode(lying))
    (finding,) = log.judge().findings
    assert (str(finding.code), finding.where["offset"]) == ("copy_differs", 3)


def decoded(value: bytes | None) -> AuditEntry:
    """Return the entry in a record."""
    return audit.codec().decode((value or b"")[5:])
