"""What a verified decision permits, and each reason why it permits nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aegis_codecs.log.merkle import EMPTY_ROOT
from aegis_codecs.records import bodies
from aegis_codecs.trust import Cut
from aegis_codecs.verifier import VerifiedLeaf
from aegis_streams.client import release
from aegis_streams.client.decisions import VerifiedDecision
from aegis_streams.client.errors import (
    DecisionFault,
    DecisionNotTrustedError,
    NotPermittedError,
    Refusal,
)
from aegis_streams.client.release import ReleaseGuard
from support.decisions import DAY, NOW, decision_fields, proposal
from support.logs import ORIGIN, epoch, trust

if TYPE_CHECKING:
    from collections.abc import Mapping


def decision(index: int = 1, origin: str = ORIGIN, **changes: object) -> VerifiedDecision:
    fields = decision_fields(None, **changes)
    made = bodies.encode("DecisionMade", fields)
    return VerifiedDecision(fields, VerifiedLeaf(origin, index, index + 1, bytes(32), made), b"")


@pytest.fixture
def guard() -> ReleaseGuard:
    return ReleaseGuard(trust())


def test_a_proceed_about_this_very_proposal_is_a_permission(guard: ReleaseGuard) -> None:
    made = decision(constraints=["drift_warning"])
    guard.follow(made)
    permission = guard.permit(made, proposal(), NOW)
    assert permission.decision_id == "d-1"
    assert (permission.agent_id, permission.proposal_id) == ("agent-1", "p-1")
    assert permission.valid_until == NOW + DAY
    assert permission.content_sha256 == made.fields["content_sha256"]
    assert permission.constraints == ("drift_warning",)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"status": "halt"}, Refusal.NOT_RELEASED),
        ({"status": "pause"}, Refusal.NOT_RELEASED),
        ({"status": "escalate"}, Refusal.NOT_RELEASED),
        ({"dry_run": True}, Refusal.NOT_RELEASED),
        ({"valid_until": None}, Refusal.NOT_RELEASED),
        ({"valid_until": NOW}, Refusal.NOT_RELEASED),
        ({"valid_until": NOW - 1}, Refusal.NOT_RELEASED),
        ({"mode": "shadow"}, Refusal.NOT_ENFORCED),
        ({"mode": "something new"}, Refusal.NOT_ENFORCED),
        ({"content_sha256": bytes(32)}, Refusal.OTHER_CONTENT),
        ({"content_sha256": None}, Refusal.OTHER_CONTENT),
    ],
)
def test_anything_else_permits_nothing(
    guard: ReleaseGuard, changes: Mapping[str, Any], refusal: Refusal
) -> None:
    made = decision(**changes)
    guard.follow(made)
    with pytest.raises(NotPermittedError) as caught:
        guard.permit(made, proposal(), NOW)
    assert caught.value.refusal is refusal
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"risk_proposed": 0.13},
        {"proposal_summary": "Raise it more"},
        {"proposal_id": "p-2"},
        {"agent_id": "agent-2"},
        {"metadata": {"a": "b"}},
    ],
)
def test_a_decision_about_other_content_permits_nothing(
    guard: ReleaseGuard, changes: dict[str, Any]
) -> None:
    with pytest.raises(NotPermittedError) as caught:
        guard.permit(decision(), proposal(**changes), NOW)
    assert caught.value.refusal is Refusal.OTHER_CONTENT


def test_a_superseded_decision_permits_nothing_and_its_successor_does(guard: ReleaseGuard) -> None:
    first = decision()
    later = decision(2, decision_id="d-2", ordinal=1, supersedes="d-1")
    guard.follow(first)
    guard.permit(first, proposal(), NOW)
    guard.follow(later)
    with pytest.raises(NotPermittedError, match="replaced by decision d-2") as caught:
        guard.permit(first, proposal(), NOW)
    assert caught.value.refusal is Refusal.SUPERSEDED
    assert guard.permit(later, proposal(), NOW).decision_id == "d-2"


def test_superseded_decisions_are_remembered_within_bounds(
    guard: ReleaseGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "MAX_SUPERSEDED", 2)
    for number in range(1, 6):
        guard.follow(decision(number, decision_id=f"d-{number}", supersedes=f"s-{number}"))
    assert list(guard._superseded) == ["s-4", "s-5"]


@pytest.mark.parametrize("index", [0, 4, 5])
def test_a_leaf_that_comes_again_is_refused(guard: ReleaseGuard, index: int) -> None:
    guard.follow(decision(5))
    with pytest.raises(DecisionNotTrustedError) as caught:
        guard.follow(decision(index))
    assert caught.value.fault is DecisionFault.OLDER_THAN_SEEN


def test_logs_are_followed_apart_and_over_a_restart(guard: ReleaseGuard) -> None:
    guard.follow(decision(5))
    guard.follow(decision(2, origin="aegis/local/1/1"))
    assert guard.seen == {ORIGIN: 5, "aegis/local/1/1": 2}
    restarted = ReleaseGuard(trust(), guard.seen)
    with pytest.raises(DecisionNotTrustedError):
        restarted.follow(decision(5))
    restarted.follow(decision(6))


def test_an_earlier_epoch_is_old_once_a_later_one_was_seen() -> None:
    closed = epoch(partitions=1)
    ended = type(closed)("aegis", "local", 1, 1, closed.keys, cut=(Cut(10, EMPTY_ROOT),))
    both = trust(ended, epoch(number=2, partitions=1))
    guard = ReleaseGuard(both)
    guard.follow(decision(3))
    guard.follow(decision(1, origin="aegis/local/2/0"))
    with pytest.raises(DecisionNotTrustedError) as caught:
        guard.follow(decision(4))
    assert caught.value.fault is DecisionFault.OLDER_THAN_SEEN
    with pytest.raises(DecisionNotTrustedError):
        ReleaseGuard(both, guard.seen).follow(decision(4))
