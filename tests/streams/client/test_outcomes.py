"""Sent records, leaves and decisions find each other in whatever order they come."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.records import bodies
from aegis_codecs.records.audit import AuditEntry, columns_of
from aegis_codecs.verifier import Verifier
from aegis_streams.client.decisions import DecisionReader, VerifiedDecision
from aegis_streams.client.outcomes import OutcomeTracker
from aegis_streams.client.producer import Delivered
from support.decisions import SignedStream, body, cause
from support.logs import ORIGIN, trust

SENT = Delivered("p-1", 0, 7)


def entry(made: bytes) -> AuditEntry:
    return AuditEntry(ORIGIN, 0, ZERO_HASH, ZERO_HASH, ZERO_HASH, made, *columns_of(made))


def verified(made: bytes) -> VerifiedDecision:
    stream = SignedStream()
    (message,) = stream.seal([made])
    found = DecisionReader(Verifier(trust()), stream.decode).read(message)
    assert isinstance(found, VerifiedDecision)
    return found


def repeat(offset: int, effective: str) -> bytes:
    fields: dict[str, Any] = {
        **cause(offset),
        "agent_id": "agent-1",
        "proposal_id": "p-1",
        "content_sha256": bytes(32),
        "first_decision_id": effective,
        "effective_decision_id": effective,
    }
    return bodies.encode("ProposalRepeated", fields)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_decision_is_complete_once_all_three_came(order: tuple[int, ...]) -> None:
    tracker = OutcomeTracker()
    made = body()
    steps = (
        lambda: tracker.sent(SENT),
        lambda: tracker.leaf(entry(made)),
        lambda: tracker.decision(verified(made)),
    )
    for step in order:
        assert not tracker.outcomes or tracker.open
        steps[step]()
    (outcome,) = tracker.outcomes
    assert tracker.open == []
    assert (outcome.kind, outcome.decision_id) == ("decided", "d-1")
    assert outcome.decision is not None


def test_a_leaf_of_another_record_is_not_ours() -> None:
    tracker = OutcomeTracker()
    tracker.sent(SENT)
    tracker.leaf(entry(body(cause_offset=8)))
    tracker.leaf(entry(body(cause_partition=1)))
    tracker.leaf(entry(body(cause_topic="aegis.commands")))
    tracker.leaf(entry(body(ordinal=1, supersedes="d-1", decision_id="d-2")))
    assert tracker.open == tracker.outcomes


def test_a_rejected_record_has_no_decision() -> None:
    tracker = OutcomeTracker()
    tracker.sent(SENT)
    fields: dict[str, Any] = {
        **cause(7),
        "reason": "undecodable",
        "detail": "value: not JSON",
        "agent_id": "",
        "proposal_id": "",
        "value_length": 1,
    }
    tracker.leaf(entry(bodies.encode("InputRejected", fields)))
    (outcome,) = tracker.outcomes
    assert tracker.open == []
    assert (outcome.kind, outcome.reason, outcome.detail) == (
        "rejected",
        "undecodable",
        "value: not JSON",
    )


def test_a_repeat_waits_for_a_decision_made_meanwhile() -> None:
    tracker = OutcomeTracker()
    again = Delivered("again", 0, 8)
    tracker.sent(SENT)
    tracker.sent(again)
    tracker.leaf(entry(body()))
    tracker.leaf(entry(repeat(8, "d-1")))
    assert len(tracker.open) == 2
    tracker.decision(verified(body()))
    assert tracker.open == []
    first, second = tracker.outcomes
    assert (first.kind, second.kind) == ("decided", "repeated")
    assert second.decision is first.decision is not None


def test_a_repeat_of_an_earlier_decision_does_not_wait_and_finds_it_if_it_comes() -> None:
    tracker = OutcomeTracker()
    tracker.sent(SENT)
    tracker.leaf(entry(repeat(7, "d-0")))
    (outcome,) = tracker.outcomes
    assert tracker.open == []
    assert (outcome.kind, outcome.decision_id, outcome.decision) == ("repeated", "d-0", None)
    tracker.decision(verified(body(decision_id="d-0")))
    assert outcome.decision is not None


def test_what_belongs_to_others_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aegis_streams.client.outcomes.MAX_REMEMBERED", 3)
    tracker = OutcomeTracker()
    for offset in range(10):
        tracker.leaf(entry(body(cause_offset=offset, decision_id=f"d-{offset}")))
    tracker.sent(Delivered("forgotten", 0, 5))
    tracker.sent(Delivered("remembered", 0, 9))
    assert [outcome.decision_id for outcome in tracker.outcomes] == [None, "d-9"]
