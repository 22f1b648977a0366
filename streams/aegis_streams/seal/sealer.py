"""One partition's leaves, checked again, put into the tree and signed.

Steps of `Sealer.seal` (ADR 0008 says what happens when the process dies at each):

1. check every entry: log, sequence, link, leaf hash, entry hash;
2. grow the tree, with the inclusion paths of the new leaves;
3. record size and root in the guard, on disk;
4. sign the checkpoint with every key;
5. write one signed decision per decision leaf, and the checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.log.chain import entry_hash
from aegis_codecs.log.merkle import extend, leaf_hash
from aegis_codecs.log.receipt import render_receipts
from aegis_streams.errors import ContinuityError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.seal.tree import TreeState

KEEP_MS: Final = 60_000
KEEP_LEAVES: Final = 10_000
CONTROL_KINDS: Final = frozenset(
    {"EpochOpened", "KeyAnnounced", "OverrideChanged", "ParametersActivated"}
)
"""Leaves whose checkpoint is always kept."""


class Sealed(NamedTuple):
    """What a sealed batch publishes.

    Attributes:
        checkpoint: The tree head.
        note: Its signed note.
        keep: Whether it is to be kept for the long term.
        decisions: (entry, receipt) of each decision leaf, in order.
    """

    checkpoint: Checkpoint
    note: bytes
    keep: bool
    decisions: list[tuple[AuditEntry, bytes]]


class Sealer:
    """Seals the batches of one log.

    Args:
        state: Where the tree stands; moves with every batch.
        record: Puts a checkpoint on disk before it is signed (`Guard.record`).
        sign: Signs a checkpoint and returns the note (`CheckpointSigner.seal`).
    """

    def __init__(
        self,
        state: TreeState,
        record: Callable[[Checkpoint], None],
        sign: Callable[[Checkpoint], bytes],
    ) -> None:
        self.state = state
        self._record = record
        self._sign = sign

    def seal(self, entries: Sequence[AuditEntry], next_offset: int) -> Sealed:
        """Seal a batch of committed entries.

        Args:
            entries: The next entries of this log, at least one.
            next_offset: Offset of the audit topic after them.

        Raises:
            ContinuityError: An entry is not what must come next; nothing was signed.
        """
        state = self.state
        # Step 1
        leaves, last = check_entries(state, entries)
        # Step 2
        first = state.range.size
        state.range, paths = extend(state.range, leaves)
        state.entry_hash, state.next_offset = last, next_offset
        checkpoint = state.checkpoint
        # Step 3
        self._record(checkpoint)
        # Step 4
        note = self._sign(checkpoint)
        # Step 5
        receipts = render_receipts(first, paths, note)
        decisions = [
            (entry, receipt)
            for entry, receipt in zip(entries, receipts, strict=True)
            if entry.kind == "DecisionMade"
        ]
        return Sealed(checkpoint, note, self._keep(entries), decisions)

    def _keep(self, entries: Sequence[AuditEntry]) -> bool:
        state, time = self.state, entries[-1].time
        keep = (
            time - state.kept_time >= KEEP_MS
            or state.range.size - state.kept_size >= KEEP_LEAVES
            or any(entry.kind in CONTROL_KINDS for entry in entries)
        )
        if keep:
            state.kept_size, state.kept_time = state.range.size, time
        return keep


def check_entries(state: TreeState, entries: Sequence[AuditEntry]) -> tuple[list[bytes], bytes]:
    """Return the leaf hashes of entries that continue `state`, and the last entry hash.

    Raises:
        ContinuityError: Another log, a gap or a repeat, a broken link, or a hash that is not of
            the body.
    """
    leaves: list[bytes] = []
    log, sequence, previous = state.log, state.range.size, state.entry_hash
    for entry in entries:
        leaf = leaf_hash(entry.body)
        if entry.log != log or entry.sequence != sequence:
            raise ContinuityError(
                f"{log}: expected leaf {sequence}, found {entry.sequence} of {entry.log}; "
                "nothing was signed. The audit topic was altered, or the state is another log's"
            )
        if entry.previous_hash != previous or entry.leaf_hash != leaf:
            raise _broken(log, sequence)
        previous = entry_hash(previous, leaf)
        if entry.entry_hash != previous:
            raise _broken(log, sequence)
        leaves.append(leaf)
        sequence += 1
    return leaves, previous


def _broken(log: str, sequence: int) -> ContinuityError:
    return ContinuityError(
        f"{log}: the hashes of leaf {sequence} do not fit its body or the leaf before; nothing "
        "was signed. The audit topic was altered"
    )
