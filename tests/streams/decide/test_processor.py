from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators.v1 import EvaluatorV1
from aegis_streams.decide.gates.columns import ColumnGates
from aegis_streams.decide.identity import UNREADABLE, InputRecord, decision_id
from aegis_streams.errors import ContinuityError
from aegis_streams.names import COMMANDS
from support.deciding import AGENT, LOG, START, Deciding, proposal, replay, tables

HOUR = 3_600_000


def test_a_good_proposal_proceeds() -> None:
    deciding = Deciding()
    record = deciding.record(proposal())
    (leaf,) = deciding.take(record)
    assert leaf.kind == "DecisionMade"
    fields = leaf.fields
    assert (fields["status"], fields["reason"]) == ("proceed", "all_gates_passed")
    assert fields["decision_id"] == decision_id(LOG, record, 0)
    assert fields["cause_sha256"] == hashlib.sha256(record.value or b"").digest()
    assert fields["valid_until"] == fields["leaf_time"] + 24 * HOUR
    assert deciding.letters == []


STATUSES: dict[str, dict[str, Any]] = {
    "proceed": {},
    "pause": {"requires_human_approval": True},
    "halt": {"quality_score": 0.1},
    "escalate": {"quality_score": 0.1, "estimated_impact": "high"},
}


@pytest.mark.parametrize("status", STATUSES)
def test_all_four_statuses(status: str) -> None:
    leaf = Deciding().decide(proposal(**STATUSES[status]))
    assert leaf.fields["status"] == status
    assert (leaf.fields["valid_until"] is not None) == (status == "proceed")


def without(field: str) -> dict[str, Any]:
    value = proposal()
    del value[field]
    return value


OTHER_KEY = next(
    f"agent-{n}" for n in range(2, 50) if Deciding().decide(
        proposal(agent_id=f"agent-{n}"), key=f"agent-{n}".encode()
    ).fields["reason"] == "partition_mismatch"
)  # fmt: skip

REFUSALS: dict[str, tuple[object, dict[str, Any], str, str]] = {
    "too_large": (proposal(proposal_summary="x" * 50_000), {}, "record_too_large", "InputRejected"),
    "too_large_before_key": (b"x" * 50_000, {"key": None}, "record_too_large", "InputRejected"),
    "no_key": (proposal(), {"key": None}, "key_missing", "InputRejected"),
    "empty_key": (proposal(), {"key": b""}, "key_missing", "InputRejected"),
    "key_before_content_type": (b"", {"key": None, "headers": []}, "key_missing", "InputRejected"),
    "content_type": (
        proposal(),
        {"headers": [("content-type", b"text/xml")]},
        "content_type_unsupported",
        "InputRejected",
    ),
    "unreadable_headers": (
        proposal(),
        {"headers": UNREADABLE},
        "content_type_unsupported",
        "InputRejected",
    ),
    "key_before_headers": (
        b"",
        {"key": None, "headers": UNREADABLE},
        "key_missing",
        "InputRejected",
    ),
    "tombstone": (None, {}, "undecodable", "InputRejected"),
    "not_json": (b"{", {}, "undecodable", "InputRejected"),
    "not_avro": (b"hello", {"headers": None}, "undecodable", "InputRejected"),
    "other_key": (proposal(), {"key": b"agent-9"}, "agent_mismatch", "InputRejected"),
    "wrong_partition": (
        proposal(agent_id=OTHER_KEY),
        {"key": OTHER_KEY.encode()},
        "partition_mismatch",
        "InputRejected",
    ),
    "misspelt": (proposal(risk_propsed=0.1), {}, "undecodable", "DecisionMade"),
    "missing": (without("risk_proposed"), {}, "undecodable", "DecisionMade"),
    "out_of_range": (proposal(risk_proposed=1.5), {}, "field_invalid", "DecisionMade"),
    "empty_summary": (proposal(proposal_summary=""), {}, "field_invalid", "DecisionMade"),
    "no_subscores": (proposal(quality_subscores=[]), {}, "field_invalid", "DecisionMade"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_refused_has_one_leaf_and_one_dead_letter(case: str) -> None:
    value, changes, reason, kind = REFUSALS[case]
    deciding = Deciding()
    record = deciding.record(value, **changes)
    (leaf,) = deciding.take(record)
    assert (leaf.kind, leaf.fields["reason"]) == (kind, reason)
    assert leaf.fields["detail"]
    (letter,) = deciding.letters
    assert (letter.record, letter.reason) == (record, reason)
    assert (letter.log, letter.sequence) == (LOG, 0)
    if kind == "DecisionMade":
        assert leaf.fields["status"] == "halt"
        assert not leaf.fields["override_eligible"]


def test_a_refusal_names_the_field() -> None:
    leaf = Deciding().decide(proposal(risk_proposed=1.5))
    assert leaf.fields["detail"].startswith("risk_proposed")


def test_commands_are_answered() -> None:
    deciding = Deciding()
    leaf = deciding.decide(b"anything", topic=COMMANDS, offset=0)
    assert (leaf.kind, leaf.fields["reason"]) == ("InputRejected", "command_unsupported")
    assert [letter.reason for letter in deciding.letters] == ["command_unsupported"]


def test_the_same_content_again_is_a_repeat() -> None:
    deciding = Deciding()
    first = deciding.decide(proposal()).fields["decision_id"]
    respelt = json.dumps(proposal(), indent=2, sort_keys=True).encode()
    leaf = deciding.decide(respelt)
    assert leaf.kind == "ProposalRepeated"
    assert leaf.fields["first_decision_id"] == leaf.fields["effective_decision_id"] == first


def test_other_content_under_a_used_id_halts_and_supersedes_nothing() -> None:
    deciding = Deciding()
    first = deciding.decide(proposal()).fields["decision_id"]
    leaf = deciding.decide(proposal(risk_proposed=0.1))
    assert (leaf.fields["status"], leaf.fields["reason"]) == ("halt", "duplicate_id")
    assert first in leaf.fields["detail"]
    assert deciding.decide(proposal()).fields["first_decision_id"] == first


def test_a_refused_id_is_used_up() -> None:
    deciding = Deciding()
    bad = proposal(risk_proposed=1.5)
    first = deciding.decide(bad).fields["decision_id"]
    assert deciding.decide(bad).fields["first_decision_id"] == first
    assert deciding.decide(proposal()).fields["reason"] == "duplicate_id"


def test_an_invalid_record_does_not_touch_the_decision_under_its_id() -> None:
    deciding = Deciding()
    first = deciding.decide(proposal()).fields["decision_id"]
    assert deciding.decide(proposal(risk_proposed=1.5)).fields["reason"] == "field_invalid"
    assert deciding.decide(proposal()).fields["first_decision_id"] == first


def test_ids_are_per_agent() -> None:
    config = AegisConfig.default()
    deciding = Deciding(config=config)
    deciding.decide(proposal())
    other = next(
        name
        for name in (f"other-{n}" for n in range(50))
        if deciding.decide(proposal(agent_id=name), key=name.encode()).fields.get("status")
        == "proceed"
    )
    assert other != AGENT


def test_the_horizon_forgets_by_leaf_time() -> None:
    deciding = Deciding()
    deciding.decide(proposal(), timestamp=START)
    almost = START + 24 * HOUR - 1
    assert deciding.decide(proposal(), timestamp=almost).kind == "ProposalRepeated"
    assert deciding.decide(proposal(), timestamp=almost + 1).kind == "DecisionMade"
    assert deciding.processor.remembered == 1


def test_a_full_horizon_halts_and_evicts_nothing() -> None:
    deciding = Deciding(config=replace(AegisConfig.default(), horizon_count=2))
    for number in range(2):
        deciding.decide(proposal(f"p-{number}"))
    leaf = deciding.decide(proposal("p-2"))
    assert (leaf.fields["status"], leaf.fields["reason"]) == ("halt", "horizon_full")
    assert deciding.decide(proposal("p-0")).kind == "ProposalRepeated"
    assert deciding.decide(proposal("p-2")).fields["reason"] == "horizon_full"


def test_leaf_time_never_goes_back() -> None:
    deciding = Deciding()
    deciding.decide(proposal("p-1"), timestamp=START + 5_000)
    leaf = deciding.decide(proposal("p-2"), timestamp=START + 1_000)
    assert leaf.fields["leaf_time"] == START + 5_000
    assert leaf.fields["cause_timestamp"] == START + 1_000


def test_a_dry_run_releases_nothing_and_enters_no_window() -> None:
    deciding = Deciding()
    leaf = deciding.decide(proposal(shadow_mode=True))
    assert (leaf.fields["status"], leaf.fields["dry_run"]) == ("proceed", True)
    assert leaf.fields["valid_until"] is None
    deciding.processor.flush()
    assert not list(deciding.tables.drift.items())


def breaking(monkeypatch: pytest.MonkeyPatch, part: str, error: Exception) -> Deciding:
    """A processor in whose evaluator one part raises, whichever way its gates are asked."""

    def broken(*_: object) -> NoReturn:
        raise error

    if part == "gates":
        monkeypatch.setattr(ColumnGates, "evaluate", broken)
    monkeypatch.setattr(EvaluatorV1, part, broken)
    return Deciding()


@pytest.mark.parametrize("part", ["gates", "judge"])
def test_an_evaluator_that_fails_halts(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    deciding = breaking(monkeypatch, part, ArithmeticError("no such number"))
    leaf = deciding.decide(proposal())
    assert (leaf.fields["status"], leaf.fields["reason"]) == ("halt", "evaluation_error")
    assert leaf.fields["detail"] == "evaluator 1 raised ArithmeticError"
    (letter,) = deciding.letters
    assert letter.reason == "evaluation_error"
    assert "no such number" in letter.detail
    deciding.processor.flush()
    windows = [each for _, each in deciding.tables.drift.items()]
    assert all(each.endswith(b"}") for each in windows), "the proposal did not enter its windows"


@pytest.mark.parametrize("part", ["gates", "judge"])
@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_a_machine_that_fails_stops(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], part: str
) -> None:
    deciding = breaking(monkeypatch, part, error())
    with pytest.raises(error):
        deciding.decide(proposal())


def test_an_offset_is_never_decided_twice() -> None:
    deciding = Deciding()
    deciding.decide(proposal())
    with pytest.raises(ContinuityError, match="already decided"):
        deciding.decide(proposal(), offset=0)


def test_the_chain_links() -> None:
    deciding = Deciding()
    for number in range(5):
        deciding.decide(proposal(f"p-{number}"))
    previous = ZERO_HASH
    for sequence, entry in enumerate(deciding.entries):
        assert entry.sequence == sequence
        assert entry.previous_hash == previous
        assert entry.leaf_hash == leaf_hash(entry.body)
        previous = entry_hash(previous, entry.leaf_hash)
        assert entry.entry_hash == previous


def test_tables_that_do_not_fit_are_refused() -> None:
    kept = tables()
    kept.heads.put(b"parameters", AegisConfig.from_dict({"novelty_k": 9.0}).to_bytes())
    with pytest.raises(ContinuityError, match="parameters"):
        Deciding(kept)
    kept.heads.delete(b"head")
    with pytest.raises(ContinuityError, match="topics ensure"):
        Deciding(kept)


VALUES = st.sampled_from(
    [
        proposal("a"),
        proposal("a", risk_proposed=0.1),
        proposal("b", quality_score=0.2, estimated_impact="critical"),
        proposal("c", shadow_mode=True),
        proposal("d", risk_proposed=2.0),
        proposal("e", profit_proposed=-5.0),
        b"{",
        b"",
        None,
    ]
)


@given(st.lists(st.tuples(VALUES, st.integers(0, 30 * HOUR)), max_size=25), st.data())
def test_any_cut_into_batches_gives_the_same_bytes(
    inputs: list[tuple[object, int]], data: st.DataObject
) -> None:
    source = Deciding()
    records: list[InputRecord] = [
        source.record(value, timestamp=START + late) for value, late in inputs
    ]
    whole = replay(records)
    cuts = data.draw(st.sets(st.integers(0, max(0, len(records) - 1))))
    parts = replay(records, cuts)
    together = Deciding()
    together.processor.process(records)
    together.processor.flush()
    assert together.bodies() == whole.bodies()
    assert together.tables == whole.tables
    assert parts.bodies() == whole.bodies()
    assert parts.tables == whole.tables
    assert len([b for b in whole.entries if b.kind != "DriftChanged"]) == len(records)
