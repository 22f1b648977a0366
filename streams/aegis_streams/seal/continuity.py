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
