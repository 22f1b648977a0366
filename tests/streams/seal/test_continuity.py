from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_RANGE, root_of
from aegis_streams.errors import SplitViewError
from aegis_streams.seal.continuity import confirm, is_accepted_loss, open_claims
from aegis_streams.seal.tree import TreeState
from support.entries import LOG, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_codecs.records.audit import AuditEntry

COMMITTED = 5


def state(leaves: int = COMMITTED) -> TreeState:
    log = entries(leaves)
    tree = EMPTY_RANGE.grow([entry.leaf_hash for entry in log])
    return TreeState(LOG, tree, log[-1].entry_hash if log else ZERO_HASH, leaves)


def claim(size: int, *, text: str = "leaf") -> Checkpoint:
    return Checkpoint(LOG, size, root_of([one.leaf_hash for one in entries(size, text=text)]))


def following(count: int, batch: int = 2) -> Iterator[list[AuditEntry]]:
    rest = entries(COMMITTED + count, start=COMMITTED)
    for start in range(0, len(rest), batch):
        yield rest[start : start + batch]


def test_nothing_signed_beyond_the_state_needs_no_reading() -> None:
    claims = open_claims(state(), [claim(3), claim(COMMITTED)])
    assert claims == []
    confirm(state(), claims, lambda: pytest.fail("nothing has to be read"))


def test_a_guard_that_knows_the_tree_or_more_is_whole() -> None:
    assert not is_accepted_loss(state(0), None, "")
    assert not is_accepted_loss(state(), claim(COMMITTED), "")
    assert not is_accepted_loss(state(), claim(COMMITTED + 1), "")


@pytest.mark.parametrize(
    ("known", "said"), [(None, "the guard is missing"), (4, "the guard knows of 4 only")]
)
def test_a_guard_that_knows_less_than_was_committed_is_refused(
    known: int | None, said: str
) -> None:
    last = None if known is None else claim(known)
    with pytest.raises(SplitViewError, match=f"5 leaves were sealed, and {said}") as refusal:
        is_accepted_loss(state(), last, "")
    named = f"{LOG}@{COMMITTED}"
    assert f"AEGIS_ACCEPT_GUARD={named} " in str(refusal.value)
    assert is_accepted_loss(state(), last, named)
    assert is_accepted_loss(state(), last, f"another/log/1/0@9,{named}")


@pytest.mark.parametrize("accepted", [f"{LOG}@4", f"{LOG}@50", f"{LOG}@", LOG, "true", "*"])
def test_the_loss_of_a_guard_is_accepted_for_one_tree_alone(accepted: str) -> None:
    with pytest.raises(SplitViewError, match="the guard is missing"):
        is_accepted_loss(state(), None, accepted)


def test_claims_are_met_at_their_own_sizes() -> None:
    claims = open_claims(state(), [claim(9), claim(7), claim(9)])
    assert [one.size for one in claims] == [7, 9]
    before = state()
    confirm(before, claims, lambda: following(6))
    assert before == state()


def test_another_root_at_the_committed_size_is_a_fork() -> None:
    with pytest.raises(SplitViewError, match="size 5"):
        open_claims(state(), [claim(COMMITTED, text="lie")])


def test_two_claims_that_disagree_are_a_fork() -> None:
    with pytest.raises(SplitViewError, match="size 8"):
        open_claims(state(), [claim(8), claim(8, text="lie")])


def test_leaves_that_lead_elsewhere_are_a_fork() -> None:
    claims = open_claims(state(), [claim(8, text="lie")])
    with pytest.raises(SplitViewError, match="size 8"):
        confirm(state(), claims, lambda: following(6))


def test_lost_leaves_are_noticed() -> None:
    claims = open_claims(state(), [claim(9)])
    with pytest.raises(SplitViewError, match="9 leaves were signed, and only 7 are committed"):
        confirm(state(), claims, lambda: following(2))
