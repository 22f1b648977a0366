"""Verifying offline, from a trust policy alone. A `Verifier` only ever holds verified things.

The order of `Verifier.verify_receipt`; nothing is looked at before the step that vouches for it:

1. parse the receipt strictly;
2. hash the leaf body;
3. take origin and keys from the trust policy;
4. check every required signature, every known witness's, the quorum, and the epoch's cut;
5. index below size, path length exactly right, root equal;
6. only then is the body handed out, for the caller to decode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import leaf_hash, verify_consistency, verify_inclusion
from aegis_codecs.log.note import parse_note
from aegis_codecs.log.receipt import MAX_BODY_BYTES, Receipt, parse_receipt
from aegis_codecs.signers import verifier_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_codecs.log.note import Note, VerifierKey
    from aegis_codecs.signers import Verifier as KeyVerifier
    from aegis_codecs.trust import TrustedLog, TrustPolicy

NOTES_HELD: Final = 256
"""Default number of verified notes that are remembered."""

NOTE_BYTES_HELD: Final = 16 * 1024
"""Longer notes are verified each time, so that what is held has a bound."""


@dataclass(frozen=True, slots=True)
class VerifiedLeaf:
    """A leaf that is proven to be in a log.

    Attributes:
        origin: The log.
        index: Position of the leaf, from 0.
        size: Leaves of the tree that proves it.
        root: Root of that tree.
        body: The leaf's bytes, as they were logged.
    """

    origin: str
    index: int
    size: int
    root: bytes
    body: bytes


class Verifier:
    """Checks notes and receipts against one trust policy.

    Not for use by several threads at once; make one for each.

    Args:
        trust: Who is believed.
        notes_held: How many verified notes are remembered, so that the receipts of a batch cost
            one check of signatures together. The oldest is forgotten first.
    """

    def __init__(self, trust: TrustPolicy, *, notes_held: int = NOTES_HELD) -> None:
        self._trust = trust
        self._notes_held = notes_held
        self._notes: dict[bytes, Checkpoint] = {}
        self._keys: dict[bytes, KeyVerifier] = {}
        self._newest: dict[str, Checkpoint] = {}

    def verify_receipt(self, receipt: bytes, body: bytes | None = None) -> VerifiedLeaf:
        """Check that a leaf is in a believed log.

        Args:
            receipt: A tlog-proof.
            body: The leaf body where it stands beside the receipt; None if it is inside.

        Raises:
            NotTrustedError: With the first finding, in the order of the steps.
            UnsupportedAlgorithmError: A required key cannot be checked here.
        """
        parsed = parse_receipt(receipt)
        found = _body(parsed, body)
        leaf = leaf_hash(found)
        checkpoint = self.verify_checkpoint(parsed.note)
        verify_inclusion(leaf, parsed.index, checkpoint.size, parsed.path, checkpoint.root)
        return VerifiedLeaf(
            checkpoint.origin, parsed.index, checkpoint.size, checkpoint.root, found
        )

    def verify_checkpoint(self, note: bytes) -> Checkpoint:
        """Check a signed checkpoint and return it.

        Raises:
            NotTrustedError: Malformed, of an unknown log, not signed by all it must be, past the
                cut, or contradicting another verified checkpoint that is remembered.
        """
        held = self._notes.get(note)
        if held is not None:
            return held
        parsed = parse_note(note)
        checkpoint = Checkpoint.parse(parsed.text)
        log = self._trust.log(checkpoint.origin)
        self._check_signatures(log, parsed, checkpoint)
        _check_cut(log, checkpoint)
        self._refuse_contradiction(checkpoint)
        self._hold(note, checkpoint)
        return checkpoint

    def advance(self, note: bytes, path: Sequence[bytes] = ()) -> Checkpoint:
        """Follow a log to a newer checkpoint and hold that as its newest.

        Args:
            note: The newer signed checkpoint.
            path: Consistency proof from the one held; empty if none is held yet.

        Raises:
            NotTrustedError: As `verify_checkpoint`; or the log went back, or it is not proven to
                continue what was held. What was held stays.
        """
        checkpoint = self.verify_checkpoint(note)
        held = self._newest.get(checkpoint.origin)
        if held is not None:
            verify_consistency(held.size, held.root, checkpoint.size, checkpoint.root, path)
        self._newest[checkpoint.origin] = checkpoint
        return checkpoint

    def newest(self, origin: str) -> Checkpoint | None:
        """Return the checkpoint to which `advance` has followed a log."""
        return self._newest.get(origin)

    def _check_signatures(self, log: TrustedLog, note: Note, checkpoint: Checkpoint) -> None:
        for key in log.keys:
            if self._signed(key, note, checkpoint) is None:
                raise NotTrustedError(
                    Finding.SIGNATURE_MISSING,
                    f"{log.origin}: the checkpoint of size {checkpoint.size} lacks the signature "
                    f"of its key {key.key_id().hex()}",
                )
        times = [self._signed(witness, note, checkpoint) for witness in log.witnesses]
        if sum(1 for time in times if time) < log.quorum:
            raise NotTrustedError(
                Finding.WITNESS_QUORUM,
                f"{log.origin}: {log.quorum} witnesses must cosign, "
                f"{sum(1 for time in times if time)} did",
            )

    def _signed(self, key: VerifierKey, note: Note, checkpoint: Checkpoint) -> int | None:
        """Return the time that a known key's line claims, None if it has no line."""
        wanted = key.name, key.key_id()
        lines = [line.payload for line in note.signatures if line[:2] == wanted]
        if not lines:
            return None
        if len(lines) > 1:
            raise NotTrustedError(
                Finding.MALFORMED_NOTE, f"{key.name} signed {len(lines)} times with one key"
            )
        if key.key not in self._keys:
            self._keys[key.key] = verifier_of(key.key)
        return self._keys[key.key].verify(key.name, checkpoint, lines[0])

    def _refuse_contradiction(self, checkpoint: Checkpoint) -> None:
        for held in (*self._notes.values(), *self._newest.values()):
            if held[:2] == checkpoint[:2] and held.root != checkpoint.root:
                raise NotTrustedError(
                    Finding.FORKED_HISTORY,
                    f"{held.origin} signed two roots for {held.size} leaves: "
                    f"{held.root.hex()} and {checkpoint.root.hex()}; keep both notes as evidence",
                )

    def _hold(self, note: bytes, checkpoint: Checkpoint) -> None:
        if len(note) > NOTE_BYTES_HELD or self._notes_held < 1:
            return
        while len(self._notes) >= self._notes_held:
            del self._notes[next(iter(self._notes))]
        self._notes[note] = checkpoint


def _body(receipt: Receipt, beside: bytes | None) -> bytes:
    if beside is None:
        if receipt.extra is None:
            raise NotTrustedError(
                Finding.BODY_MISSING, "the receipt has no body inside and none was given beside it"
            )
        return receipt.extra
    if receipt.extra is not None and receipt.extra != beside:
        raise NotTrustedError(
            Finding.BODY_DIFFERS, "the body beside the receipt is not the one inside it"
        )
    if len(beside) > MAX_BODY_BYTES:
        raise NotTrustedError(
            Finding.BODY_TOO_LARGE, f"a body of {len(beside)} bytes is above {MAX_BODY_BYTES}"
        )
    return beside


def _check_cut(log: TrustedLog, checkpoint: Checkpoint) -> None:
    cut = log.cut
    if cut is None or checkpoint.size < cut.size:
        return
    if checkpoint.size > cut.size:
        raise NotTrustedError(
            Finding.PAST_CUT,
            f"{log.origin} ended at {cut.size} leaves; this checkpoint has {checkpoint.size}",
        )
    if checkpoint.root != cut.root:
        raise NotTrustedError(
            Finding.FORKED_HISTORY,
            f"{log.origin} ended with root {cut.root.hex()}, this checkpoint has another",
        )
