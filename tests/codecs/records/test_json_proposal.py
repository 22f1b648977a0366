from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aegis_codecs.records import schemas
from aegis_codecs.records.errors import EncodeError, ProposalDecodeError
from aegis_codecs.records.proposals import content_sha256, from_json, to_json
from aegis_codecs.records.validation import LAST_MILLISECOND
from support.avro_records import NUMBER, proposal, values

UTILITY: dict[str, Any] = proposal()["utility_result"]


def as_json(record: object) -> bytes:
    return json.dumps(record).encode()


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in proposal().items() if key != name}


def refusal(text: bytes) -> ProposalDecodeError:
    with pytest.raises(ProposalDecodeError) as caught:
        from_json(text)
    assert caught.value.reason == "undecodable"
    return caught.value


def test_plain_json() -> None:
    assert from_json(as_json(proposal())) == proposal()


def test_record_is_in_schema_order_whatever_the_order_of_the_text() -> None:
    reordered = dict(reversed(proposal().items()))
    assert list(from_json(as_json(reordered))) == [
        f.name for f in schemas.tree("ProposalSubmitted").fields
    ]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_written_json_comes_back(data: st.DataObject) -> None:
    record = data.draw(values(schemas.tree("ProposalSubmitted")))
    record["submitted_at"] = data.draw(st.integers(0, LAST_MILLISECOND))
    try:
        text = to_json(record)
    except EncodeError:
        assert not all_finite(record)
        return
    found = from_json(text.encode())
    assert found == record
    assert content_sha256(found) == content_sha256(record)


def all_finite(record: dict[str, Any]) -> bool:
    utility = record["utility_result"] or {"components": {}}
    numbers = [value for value in (*record.values(), *utility.values()) if isinstance(value, float)]
    numbers += record["quality_subscores"] + (record["drift_baseline_data"] or [])
    return all(math.isfinite(value) for value in (*numbers, *utility["components"].values()))


@given(NUMBER.filter(math.isfinite))
def test_numbers_keep_their_bits(number: float) -> None:
    found = from_json(as_json(proposal(profit_baseline=number)))["profit_baseline"]
    assert (found, math.copysign(1, found)) == (number, math.copysign(1, number))


def test_integers_count_as_numbers() -> None:
    found = from_json(as_json(proposal(risk_baseline=0, quality_subscores=[1])))
    assert (found["risk_baseline"], found["quality_subscores"]) == (0.0, [1.0])
    assert type(found["risk_baseline"]) is float
    assert type(found["quality_subscores"][0]) is float


def test_defaults_are_those_of_the_schema() -> None:
    found = from_json(
        as_json({**without("metadata"), "utility_result": {"mean": 1, "variance": 0}})
    )
    assert found["metadata"] == {}
    assert found["utility_result"] == {
        "mean": 1.0, "variance": 0.0, "lcb": None, "z_score": None, "components": {},
    }  # fmt: skip


def test_defaults_are_not_shared() -> None:
    first = from_json(as_json(without("metadata")))
    first["metadata"]["x"] = "y"
    assert from_json(as_json(without("metadata")))["metadata"] == {}


def test_time_as_text() -> None:
    found = from_json(as_json(proposal(submitted_at="2026-11-23T15:00:00.5+01:00")))
    assert found["submitted_at"] == 1795442400500


@pytest.mark.parametrize("name", [name for name in proposal() if name != "metadata"])
def test_every_field_but_metadata_must_be_given(name: str) -> None:
    assert refusal(as_json(without(name))).detail == (
        f"{name}: missing; every field but metadata must be given"
    )


WRONG_TYPES = [
    ("proposal_id", 1, "proposal_id: 1 is not accepted; give a text"),
    ("submitted_at", 1.0, "submitted_at: 1.0 is not accepted; give an integer of milliseconds"),
    ("submitted_at", True, "submitted_at: True is not accepted"),
    ("submitted_at", "yesterday", "submitted_at: 'yesterday' is not accepted"),
    ("submitted_at", "2026-11-23T15:00:00", "RFC 3339 text with an offset"),
    ("agent_id", None, "agent_id: None is not accepted"),
    ("agent_id", ["a"], "agent_id: ['a'] is not accepted"),
    ("phase", "Plan", "phase: 'Plan' is not accepted; give one of plan, execute, verify"),
    ("phase", 0, "phase: 0 is not accepted"),
    ("estimated_impact", "severe", "one of low, medium, high, critical"),
    ("risk_proposed", True, "risk_proposed: True is not accepted; give a number"),
    ("risk_proposed", "0.5", "risk_proposed: '0.5' is not accepted; give a number"),
    ("risk_proposed", None, "risk_proposed: None is not accepted"),
    ("risk_proposed", [0.5], "risk_proposed: [0.5] is not accepted"),
    ("quality_subscores", 0.5, "quality_subscores: 0.5 is not accepted; give a list"),
    ("quality_subscores", {"a": 1}, "give a list"),
    ("quality_subscores", [0.5, False], "quality_subscores[1]: False is not accepted"),
    ("quality_subscores", None, "quality_subscores: None is not accepted"),
    ("utility_result", 1.0, "utility_result: 1.0 is not accepted; give an object"),
    ("utility_result", [], "utility_result: [] is not accepted; give an object"),
    ("utility_result", {"mean": 1.0}, "utility_result.variance: missing"),
    (
        "utility_result",
        {**UTILITY, "variance": "1"},
        "utility_result.variance: '1' is not accepted",
    ),
    ("utility_result", {**UTILITY, "lbc": 1.0}, "did you mean utility_result.lcb?"),
    ("utility_result", {**UTILITY, "lcb": False}, "utility_result.lcb: False is not accepted"),
    ("utility_result", {**UTILITY, "components": {"a": "b"}}, "utility_result.components: 'b'"),
    ("reversible", 1, "reversible: 1 is not accepted; give true or false"),
    ("reversible", "true", "reversible: 'true' is not accepted"),
    ("drift_baseline_data", {}, "drift_baseline_data: {} is not accepted; give a list"),
    ("drift_baseline_data", [None], "drift_baseline_data[0]: None is not accepted"),
    ("metadata", {"a": 1}, "metadata: 1 is not accepted; give a text"),
    ("metadata", ["a"], "metadata: ['a'] is not accepted; give an object"),
    ("metadata", None, "metadata: None is not accepted"),
    ("risk_proposed", 10**400, "a number that a double can hold"),
]


@pytest.mark.parametrize(("name", "value", "detail"), WRONG_TYPES)
def test_wrong_types_are_named(name: str, value: object, detail: str) -> None:
    error = refusal(as_json(proposal(**{name: value})))
    assert detail in error.detail
    assert error.proposal_id == (None if name == "proposal_id" else "p-1")
    assert error.agent_id == (None if name == "agent_id" else "agent-1")


@pytest.mark.parametrize(
    ("key", "detail"),
    [
        ("risk_propsed", "'risk_propsed': unknown key; did you mean risk_proposed?"),
        ("riskProposed", "did you mean risk_proposed?"),
        ("zzz", "'zzz': unknown key; metadata is the free place"),
        ("", "'': unknown key"),
        ("x" * 500, "...: unknown key"),
    ],
)
def test_unknown_keys_name_the_nearest(key: str, detail: str) -> None:
    error = refusal(as_json({**proposal(), key: 1}))
    assert detail in error.detail
    assert (error.proposal_id, error.agent_id) == ("p-1", "agent-1")


@pytest.mark.parametrize(
    ("text", "key", "proposal_id"),
    [
        (as_json(proposal())[:-1] + b', "risk_proposed": 0}', "'risk_proposed'", "p-1"),
        (as_json(proposal())[:-1] + b', "proposal_id": "p-1"}', "'proposal_id'", None),
        (as_json(proposal()).replace(b'{"commit"', b'{"author": "", "commit"'), "'author'", "p-1"),
        (as_json(proposal()).replace(b'"saved"', b'"cost": 0, "saved"'), "'cost'", "p-1"),
    ],
)
def test_repeated_keys_are_refused(text: bytes, key: str, proposal_id: str | None) -> None:
    error = refusal(text)
    assert error.detail == f"{key}: the key is given more than once; give it once"
    assert error.proposal_id == proposal_id


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_must_be_numbers(constant: str) -> None:
    text = as_json(proposal()).replace(b"0.12", constant.encode())
    assert refusal(text).detail == f"value: {constant} is not a number; every number must be finite"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("proposal_summary", '"\\ud800"'),
        ("proposal_id", '"\\udfff"'),
        ("metadata", '{"\\ud800": "x"}'),
        ("metadata", '{"x": "\\ud800"}'),
    ],
)
def test_unpaired_surrogates_are_refused(name: str, text: str) -> None:
    document = json.dumps(without(name))[:-1] + f', "{name}": {text}' + "}"
    error = refusal(document.encode())
    assert error.detail.startswith(f"{name}: ")
    assert "unpaired surrogates" in error.detail


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\x01"}',
        b"nonsense",
        b"{} {}",
        b'{"submitted_at": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json(text: bytes) -> None:
    assert refusal(text).detail == "value: not JSON in UTF-8; check it with a JSON tool"


@pytest.mark.parametrize("text", [b"[]", b"null", b"1", b'"text"', b"true"])
def test_json_that_is_no_object(text: bytes) -> None:
    assert refusal(text).detail == "value: a proposal is a JSON object"


@pytest.mark.parametrize("text", [b"[" * 40_000, b'{"a":' * 8000, b"[" * 17 + b"]" * 17])
def test_deep_nesting_is_refused_before_it_is_parsed(text: bytes) -> None:
    assert refusal(text).detail == "value: JSON nests deeper than 16"


def test_brackets_inside_texts_do_not_nest() -> None:
    record = proposal(metadata={"json": json.dumps([[[["["] * 9] * 9] * 9])[:2000] + '\\"[[{{'})
    assert from_json(as_json(record)) == record


def test_details_are_short_and_ascii() -> None:
    error = refusal(as_json(proposal(phase="ф" * 5000)))
    assert error.detail.isascii()
    assert len(error.detail) < 200


@pytest.mark.parametrize("changes", [{"submitted_at": 2**62}, {"risk_baseline": float("nan")}])
def test_what_json_cannot_say(changes: dict[str, Any]) -> None:
    with pytest.raises(EncodeError, match="ProposalSubmitted as JSON"):
        to_json(proposal(**changes))
