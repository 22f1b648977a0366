"""The model of the load, and the load itself."""

from __future__ import annotations

from collections import Counter

import pytest

from aegis_codecs.records.proposals import MAX_PROPOSAL
from aegis_streams.names import COMMANDS, MAX_INPUT_BATCH_BYTES
from chaos.mixture import SHAPES, Mixture
from chaos.model import DECISION, REJECTED, REPEATED, Cause, Model, Outcome
from chaos.submissions import Meaning, Submission
from chaos.synthetic import SCHEMAS

PROPOSED = Meaning("a", "p", b"content", status="proceed")
OTHER = Meaning("a", "p", b"other", status="proceed")
INVALID = Meaning("a", "p", b"raw content", "field_invalid", "halt")
ANONYMOUS = Meaning("", "", b"", "undecodable")


def at(offset: int) -> Cause:
    return Cause("topic", offset)


def drawn(count: int, seed: int = 5) -> list[Submission]:
    mixture = Mixture(seed, 4, SCHEMAS)
    return [mixture.next() for _ in range(count)]


def test_a_new_proposal_is_decided() -> None:
    assert Model().take(at(1), PROPOSED) == Outcome(DECISION, status="proceed")


def test_the_same_again_is_a_repeat_of_the_first() -> None:
    model = Model()
    model.take(at(1), PROPOSED)
    assert model.take(at(2), PROPOSED) == Outcome(REPEATED, first=at(1))
    assert model.take(at(3), PROPOSED) == Outcome(REPEATED, first=at(1))


def test_other_content_is_refused_and_does_not_use_the_id_up() -> None:
    model = Model()
    model.take(at(1), PROPOSED)
    assert model.take(at(2), OTHER) == Outcome(DECISION, "duplicate_id", "halt")
    assert model.take(at(3), OTHER) == Outcome(DECISION, "duplicate_id", "halt")
    assert model.take(at(4), PROPOSED) == Outcome(REPEATED, first=at(1))


def test_a_refused_id_is_used_up() -> None:
    model = Model()
    refused = Outcome(DECISION, "field_invalid", "halt", letter=True)
    assert model.take(at(1), INVALID) == refused
    assert model.take(at(2), PROPOSED) == Outcome(DECISION, "duplicate_id", "halt")
    assert model.take(at(3), INVALID) == Outcome(REPEATED, first=at(1))


def test_a_refusal_under_a_used_id_keeps_its_own_reason() -> None:
    model = Model()
    model.take(at(1), PROPOSED)
    assert model.take(at(2), INVALID).reason == "field_invalid"


def test_the_same_id_of_another_agent_is_another_proposal() -> None:
    model = Model()
    model.take(at(1), PROPOSED)
    assert model.take(at(2), PROPOSED._replace(agent_id="b")).kind == DECISION


def test_what_has_no_certain_id_is_rejected_each_time() -> None:
    model = Model()
    rejected = Outcome(REJECTED, "undecodable", letter=True)
    assert [model.take(at(n), ANONYMOUS) for n in range(2)] == [rejected, rejected]


def test_the_mixture_holds_every_shape() -> None:
    assert {each.shape for each in drawn(3_000)} == SHAPES.keys()


def test_the_mixture_follows_from_its_seed() -> None:
    assert drawn(400) == drawn(400)
    assert drawn(400) != drawn(400, seed=6)


def test_the_mixture_shows_all_statuses_and_refusals() -> None:
    meanings = [each.meaning for each in drawn(3_000)]
    assert {each.status for each in meanings} >= {"proceed", "pause", "halt", "escalate"}
    refusals = Counter(each.refusal for each in meanings)
    assert refusals.keys() == {
        "",
        "record_too_large",
        "key_missing",
        "content_type_unsupported",
        "schema_unknown",
        "undecodable",
        "agent_mismatch",
        "partition_mismatch",
        "field_invalid",
        "command_unsupported",
    }


def test_ids_that_are_none_decide_nothing() -> None:
    hostile = [each for each in drawn(6_000) if each.shape.startswith("hostile")]
    assert {each.meaning.refusal for each in hostile} == {
        "field_invalid",
        "undecodable",
        "agent_mismatch",
    }
    assert not any(each.meaning.named for each in hostile)


def test_well_formed_proposals_have_new_ids_unless_they_are_duplicates() -> None:
    ids = Counter(
        each.meaning[:2]
        for each in drawn(2_000)
        if each.meaning.named and not each.shape.startswith(("duplicate", "invalid"))
    )
    assert max(ids.values()) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_broker_takes_every_record(seed: int) -> None:
    for each in drawn(2_000, seed):
        assert len(each.value or b"") + len(each.key or b"") < MAX_INPUT_BATCH_BYTES - 1_024
        if each.shape == "too_large":
            assert len(each.value or b"") > MAX_PROPOSAL
        if each.shape == "command":
            assert each.topic == COMMANDS
