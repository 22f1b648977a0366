from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import audit, bodies, commands, envelopes, schemas
from support.avro_records import values

if TYPE_CHECKING:
    from aegis_codecs.records.codec import Codec

CODECS: dict[str, Codec[Any]] = {
    "AuditEntry": audit.codec(),
    "Command": commands.codec(),
    "SignedDecision": envelopes.signed_decision_codec(),
    "Checkpoint": envelopes.checkpoint_codec(),
    "DeadLetter": envelopes.dead_letter_codec(),
}
ROWS: dict[str, Any] = {
    "AuditEntry": audit.AuditEntry,
    "Command": commands.Command,
    "SignedDecision": envelopes.SignedDecision,
    "Checkpoint": envelopes.CheckpointRecord,
    "DeadLetter": envelopes.DeadLetter,
}
CAUSE = {
    "cause_topic": "t",
    "cause_partition": 0,
    "cause_offset": 0,
    "cause_timestamp": 5,
    "cause_sha256": bytes(32),
    "ordinal": 0,
    "leaf_time": 9,
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_have_the_fields_of_their_schema(name: str) -> None:
    assert ROWS[name]._fields == tuple(field.name for field in schemas.tree(name).fields)


@pytest.mark.parametrize("name", ROWS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_rows_come_back(name: str, data: st.DataObject) -> None:
    row = ROWS[name](**data.draw(values(schemas.tree(name))))
    found = CODECS[name].decode(CODECS[name].encode(row))
    assert found == row
    assert type(found) is ROWS[name]


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (
            "InputRejected",
            {**CAUSE, "reason": "undecodable", "detail": "", "agent_id": "", "proposal_id": "p",
             "value_length": 3},
            (None, "p", None, None, None),
        ),
        (
            "ProposalRepeated",
            {**CAUSE, "agent_id": "a", "proposal_id": "p", "content_sha256": bytes(32),
             "first_decision_id": "d-1", "effective_decision_id": "d-2"},
            ("a", "p", "d-1", None, None),
        ),
        (
            "DriftChanged",
            {**CAUSE, "agent_id": "a", "feature": "risk", "former": "normal", "status": "warning",
             "divergence": 0.4, "count": 100, "baseline_id": "b"},
            ("a", None, None, "warning", None),
        ),
        (
            "OverrideChanged",
            {**CAUSE, "override_id": "o", "agent_id": "a", "proposal_id": "p", "decision_id": "d",
             "state": "approved", "actor": "k", "role": "r", "justification": "j", "expires_at": 1,
             "detail": ""},
            ("a", "p", "d", "approved", "k"),
        ),
        (
            "ParametersActivated",
            {**CAUSE, "command_id": "c", "parameters": b"{}", "parameters_sha256": bytes(32),
             "previous_sha256": bytes(32), "mode": "enforce", "evaluator": 1, "actor": "k,l"},
            (None, None, None, None, "k,l"),
        ),
        (
            "KeyAnnounced",
            {"leaf_time": 9, "log": "l", "purpose": "checkpoint", "state": "active", "vkeys": []},
            (None, None, None, "active", None),
        ),
    ],
)  # fmt: skip
def test_columns_follow_from_the_body(
    kind: str, fields: dict[str, Any], expected: tuple[str | None, ...]
) -> None:
    body = bodies.encode(kind, fields)
    assert audit.columns_of(body) == audit.Columns(kind, 9, *expected)
    entry = audit.AuditEntry("l", 0, bytes(32), bytes(32), bytes(32), body, kind, 9, *expected)
    assert entry.columns == audit.columns_of(entry.body)


REJECTED: dict[str, Any] = {
    **CAUSE, "reason": "agent_mismatch", "detail": "", "agent_id": "a", "proposal_id": "p",
    "value_length": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("", False),
        ("a", True),
        ("Ω-1", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a" * 30_000, False),
        ("a\0b", False),
        ("a\nb", False),
        ("a\x85b", False),
    ],
)
def test_only_what_could_be_an_identifier_is_copied(text: str, *, copied: bool) -> None:
    body = bodies.encode("InputRejected", {**REJECTED, "agent_id": text, "proposal_id": text})
    found = audit.columns_of(body)
    assert found[2:4] == ((text, text) if copied else (None, None))
    assert bodies.decode(body).fields["agent_id"] == text


@pytest.mark.parametrize("field", ["agent_id", "proposal_id", "decision_id", "state", "actor"])
def test_no_column_takes_a_nul(field: str) -> None:
    fields = {
        **CAUSE, "override_id": "o", "agent_id": "a", "proposal_id": "p", "decision_id": "d",
        "state": "approved", "actor": "k", "role": "r", "justification": "j", "expires_at": 1,
        "detail": "", field: "x\0",
    }  # fmt: skip
    found = audit.columns("OverrideChanged", fields)
    assert found.count(None) == 1


def test_columns_of_what_is_no_body() -> None:
    with pytest.raises(DecodeError):
        audit.columns_of(b"nothing")


ORIGIN = envelopes.Origin("aegis.proposals", 1, 2, 3)


def letter(value: bytes | None, headers: dict[str, bytes | None]) -> envelopes.DeadLetter:
    return envelopes.dead_letter("undecodable", "words", ORIGIN, b"key", value, headers, ("log", 7))


def test_dead_letter_keeps_the_original() -> None:
    found = letter(b"original", {"content-type": b"x", "empty": None})
    assert found.value == b"original"
    assert found.headers == {"content-type": b"x", "empty": b""}
    assert (found.value_length, found.truncated) == (8, False)
    assert found.value_sha256 == hashlib.sha256(b"original").digest()
    assert (found.topic, found.partition, found.offset, found.timestamp) == ORIGIN
    assert (found.log, found.sequence) == ("log", 7)


def test_dead_letter_of_a_null_value() -> None:
    found = letter(None, {})
    assert (found.value, found.value_length, found.truncated) == (b"", 0, False)
    assert found.value_sha256 == hashlib.sha256(b"").digest()


@pytest.mark.parametrize(
    ("length", "headers"),
    [
        (envelopes.MAX_DEAD_LETTER, {}),
        (5_000_000, {"h": b"x" * 1000}),
        (5_000_000, {"h" * 100: b"x" * 400_000}),
        (5_000_000, {"h": b"x" * 2_000_000}),
        (10, {f"header-{i}": b"x" * 100 for i in range(20_000)}),
    ],
)
def test_dead_letter_is_cut_to_its_limit(length: int, headers: dict[str, bytes | None]) -> None:
    value = b"v" * length
    found = letter(value, headers)
    encoded = envelopes.dead_letter_codec().encode(found)
    assert len(encoded) <= envelopes.MAX_DEAD_LETTER
    assert found.truncated
    assert value.startswith(found.value)
    assert found.value_length == length
    assert found.value_sha256 == hashlib.sha256(value).digest()
