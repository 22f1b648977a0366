from __future__ import annotations

from threading import Timer
from typing import TYPE_CHECKING, Any

import pytest

from aegis_codecs.records import bodies, schemas
from aegis_codecs.records.proposals import ProposalEncoder
from aegis_codecs.records.wire import header
from aegis_streams.decide import lookup
from support.decider import RunningDecider
from support.deciding import AGENT, proposal
from support.schema_registry import FakeRegistry, fake_registry
from support.transport_fakes import FakeProducer

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = 100
"""First of the ids that the registry does not have."""


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as running:
        yield running


@pytest.fixture
def running(registry: FakeRegistry) -> RunningDecider:
    return RunningDecider(registry.url)


def flood(count: int) -> list[bytes]:
    return [header(FIRST + number) + b"x" for number in range(count)]


def details(running: RunningDecider) -> list[str]:
    """What the refusals say; every leaf is one, for an unknown schema."""
    fields = [bodies.decode(leaf.body).fields for leaf in running.leaves()]
    assert {each["reason"] for each in fields} <= {"schema_unknown"}
    return [each["detail"] for each in fields]


def test_a_batch_of_unknown_ids_is_looked_up_before_its_transaction_holds_anything(
    registry: FakeRegistry, running: RunningDecider, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 5_000
    produce = FakeProducer.produce
    asked_before: list[int] = []

    def noted(producer: FakeProducer, *args: Any, **more: Any) -> None:
        if not asked_before:
            asked_before.append(len(registry.asked()))
        produce(producer, *args, **more)

    monkeypatch.setattr(FakeProducer, "produce", noted)
    registry.delay = 0.002
    batch = running.decide(running.messages(flood(count)))
    assert sorted(registry.asked()) == list(range(FIRST, FIRST + count)), "each once"
    assert asked_before == [count]
    assert 1 < registry.most <= lookup.AT_ONCE
    assert batch.stalled_for >= count * registry.delay / lookup.AT_ONCE
    assert running.stalls.stalls[0] == (True, lookup.LOOKING)
    assert not batch.void
    said = details(running)
    assert len(said) == len(running.letters()) == count
    assert said[0].startswith(f"schema id {FIRST}: the registry has none of this id")


def test_an_undone_batch_does_not_ask_again_and_the_next_one_does(
    registry: FakeRegistry, running: RunningDecider
) -> None:
    messages = running.messages(flood(3))
    running.decide(messages, commit=False)
    running.decide(messages)
    assert sorted(registry.asked()) == [FIRST, FIRST + 1, FIRST + 2]
    running.decide(running.messages(flood(1)))
    assert registry.asked()[3:] == [FIRST]


def test_an_id_that_is_given_out_later_is_used(
    registry: FakeRegistry, running: RunningDecider
) -> None:
    value = ProposalEncoder(FIRST).encode(proposal())
    running.decide(running.messages([value]))
    registry.texts[FIRST] = schemas.source("ProposalSubmitted")
    running.decide(running.messages([value]))
    assert [leaf.kind for leaf in running.leaves()] == ["InputRejected", "DecisionMade"]


def test_without_an_answer_the_batch_waits_and_nothing_is_refused(
    registry: FakeRegistry, running: RunningDecider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "STALL_SECONDS", 0.05)
    registry.answer = (503, b"away")

    meanwhile: list[int] = []

    def back() -> None:
        meanwhile.append(len(running.leaves()))
        registry.answer = None

    timer = Timer(1.0, back)
    timer.start()
    batch = running.decide(running.messages(flood(2 * lookup.AT_ONCE)))
    timer.join()
    assert meanwhile == [0]
    assert batch.stalled_for >= 0.9
    assert (True, lookup.UNREACHABLE) in running.stalls.stalls
    assert len(details(running)) == 2 * lookup.AT_ONCE
    errors = running.metrics.registry.get_sample_value(
        "aegis_errors_total", {"component": "registry"}
    )
    assert errors is not None
    assert errors >= 1


def test_more_schemas_than_the_cache_holds(
    registry: FakeRegistry, running: RunningDecider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.decider._records.schemas, "_max", 150)
    monkeypatch.setattr("aegis_streams.decide.decider.SLICE_RECORDS", 100)
    ids = range(FIRST, FIRST + 400)
    registry.texts |= dict.fromkeys(ids, schemas.source("ProposalSubmitted"))
    values = [ProposalEncoder(n).encode(proposal(f"p-{n}")) for n in ids]
    running.decide(running.messages(values))
    assert [leaf.proposal_id for leaf in running.leaves()] == [f"p-{n}" for n in ids]
    assert {leaf.agent_id for leaf in running.leaves()} == {AGENT}


def test_known_schemas_and_other_forms_ask_nothing(
    registry: FakeRegistry, running: RunningDecider
) -> None:
    number = running.decider._records.ids["ProposalSubmitted"]
    values = [ProposalEncoder(number).encode(proposal(f"p-{n}")) for n in range(3)]
    batch = running.decide(running.messages([*values, b"", b"{}", b"\0\0\0\0", header(2**31)]))
    assert registry.asked() == []
    assert batch.stalled_for == 0.0
    assert running.stalls.stalls == []
