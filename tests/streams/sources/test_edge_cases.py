"""The bundled cases come out as their metadata says, and together show everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aegis_codecs.errors import DecodeError
from aegis_codecs.records.errors import ProposalDecodeError
from aegis_codecs.records.proposals import content_sha256, from_json, gate_inputs, validate_record
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators import CURRENT, evaluator
from aegis_streams.sources import edge_cases

if TYPE_CHECKING:
    from aegis_streams.sources import EdgeCase

CASES = edge_cases()


def outcome(case: EdgeCase, seen: dict[tuple[str, str], bytes]) -> str:
    """Say what has to come of a case, after the checks in their documented order."""
    try:
        record = from_json(case.value)
    except DecodeError as error:
        named = isinstance(error, ProposalDecodeError) and error.proposal_id is not None
        return f"{'halt' if named else 'rejected'} {error.reason}"
    if validate_record(record) is not None:
        return "halt field_invalid"
    content, key = content_sha256(record), (record["agent_id"], record["proposal_id"])
    former = seen.get(key)
    if former is not None:
        return "repeated" if former == content else "halt duplicate_id"
    seen[key] = content
    return decided(record)


def decided(record: dict[str, Any]) -> str:
    verdict = evaluator(CURRENT, AegisConfig.default()).evaluate(
        gate_inputs(record), record["agent_id"], None
    )
    return f"{verdict.status.value} {verdict.reason}"


def test_every_case_comes_out_as_it_says() -> None:
    seen: dict[tuple[str, str], bytes] = {}
    found = {case.name: outcome(case, seen) for case in CASES}
    assert found == {case.name: case.expect for case in CASES}


def test_together_they_show_every_status_and_kind_of_refusal() -> None:
    expected = [case.expect for case in CASES]
    statuses = {expect.split()[0] for expect in expected}
    assert statuses == {"proceed", "pause", "halt", "escalate", "repeated", "rejected"}
    for reason in ("duplicate_id", "field_invalid", "undecodable", "complexity_floor"):
        assert any(reason in expect for expect in expected)
    assert any(b'"shadow_mode": true' in case.value for case in CASES)


def test_names_are_distinct_and_agents_several() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.agent_id for case in CASES}) >= 4


@pytest.mark.parametrize("run", ["18f2", "x" * 40])
def test_a_run_asks_something_new(run: str) -> None:
    fresh = edge_cases(run)
    assert [case.expect for case in fresh] == [case.expect for case in CASES]
    assert all(case.proposal_id.endswith(f"-{run}") for case in fresh)
    assert all(case.proposal_id.encode() in case.value for case in fresh)
    assert not {case.proposal_id for case in fresh} & {case.proposal_id for case in CASES}
