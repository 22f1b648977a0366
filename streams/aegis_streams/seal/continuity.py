"""At start: is what would be signed next a continuation of everything signed before?

Signatures may have left the process without their transaction being committed. What is known of
them lies in the guard file and, for readers of uncommitted records, on the checkpoint topic. Each
such claim beyond the committed tree must be met by the committed leaves before anything is signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.errors import SplitViewError
from aegis_streams.seal.sealer import check_entries
from aegis_streams.seal.tree import TreeState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.log.merkle import CompactRange
    from aegis_codecs.records.audit import AuditEntry


def is_accepted_loss(state: TreeState, last: Checkpoint | None, accepted: str) -> bool:
    """Compare the guard with the committed tree, which never grows but by way of the guard.

    A guard that knows less is lost, an old copy, or another one than the sealer before had. What
    was signed beyond it is unknown then, so nothing is signed, unless a person accepts that for
    this very size of the tree. A tree without leaves has no guard yet.

    Args:
        state: The committed tree.
        last: What the guard knows.
        accepted: Trees whose guard may be lost (`Settings.accept_guard`).

    Returns:
        Whether the guard knows less and that is accepted; it has to be told the tree again.

    Raises:
        SplitViewError: The guard knows less, and nobody accepts that.
    """
    known = 0 if last is None else last.size
    if known >= state.range.size:
        return False
    tree = f"{state.log}@{state.range.size}"
    if tree in accepted.split(","):
        return True
    raise SplitViewError(
        f"{state.log}: {state.range.size} leaves were sealed, and the guard "
        f"{'is missing' if last is None else f'knows of {known} only'}. Nothing will be signed; "
        "mount the guard directory that the sealers before had (AEGIS_GUARD_DIR). If it is lost, "
        "compare the largest checkpoint that anybody holds (consumers, witnesses, the audit "
        f"database); once it is known that none is of more leaves, set AEGIS_ACCEPT_GUARD={tree} "
        "for one start"
    )


def open_claims(state: TreeState, claims: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Return the claims about a larger tree than the committed one, smallest first.

    Raises:
        SplitViewError: A claim names another root for the committed size, or two claims differ.
    """
    beyond: dict[int, Checkpoint] = {}
    for claim in claims:
        if claim.size == state.range.size and claim != state.checkpoint:
            raise _split(claim)
        if claim.size > state.range.size and beyond.setdefault(claim.size, claim) != claim:
            raise _split(claim)
    return [beyond[size] for size in sorted(beyond)]


def confirm(
    state: TreeState,
    claims: Sequence[Checkpoint],
    batches: Callable[[], Iterable[list[AuditEntry]]],
) -> None:
    """Check claims beyond the committed tree against the committed leaves that follow it.

    Args:
        state: The committed tree; it is not changed.
        claims: From `open_claims`.
        batches: Yields the committed entries after the state, in order.

    Raises:
        SplitViewError: The leaves lead to another root at a claimed size, or end before it.
        ContinuityError: The leaves do not continue the state.
    """
    if not claims:
        return
    waiting = {claim.size: claim for claim in claims}
    seen = TreeState(state.log, state.range, state.entry_hash, state.next_offset)
    for entries in batches():
        leaves, seen.entry_hash = check_entries(seen, entries)
        seen.range = _grow(seen.range, leaves, waiting)
        if not waiting:
            return
    claim = min(waiting.values(), key=lambda one: one.size)
    raise SplitViewError(
        f"{claim.origin}: {claim.size} leaves were signed, and only {seen.range.size} are "
        "committed; the audit topic lost leaves. Nothing will be signed; restore the topic"
    )


def _grow(
    tree: CompactRange, leaves: Sequence[bytes], waiting: dict[int, Checkpoint]
) -> CompactRange:
    for leaf in leaves:
        tree = tree.append(leaf)
        claim = waiting.pop(tree.size, None)
        if claim is not None and claim.root != tree.root():
            raise _split(claim)
    return tree


def _split(claim: Checkpoint) -> SplitViewError:
    return SplitViewError(
        f"{claim.origin}: at size {claim.size} root {claim.root.hex()} was signed before, and the "
        "leaves lead elsewhere. Nothing will be signed; one of the two histories is false"
    )
