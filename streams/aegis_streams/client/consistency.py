"""Proving that a log continues an earlier checkpoint, from the leaves on the audit topic.

Steps of `ConsistencyProver.prove`:

1. verify both checkpoints against the trust file (without a newer one: the newest on the topic
   that verifies);
2. hash the leaves of their log, up to the newer size;
3. compute the proof between the two sizes;
4. verify it between the two signed roots.

Memory: about 75 bytes per leaf of the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.consistency import ConsistencyProof, parse_consistency
from aegis_codecs.log.merkle import consistency_path, leaf_hash, verify_consistency
from aegis_codecs.log.receipt import HEADER, parse_receipt
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.checkpoints import CheckpointFinder
from aegis_streams.client.errors import BrokenLogError
from aegis_streams.client.log_topics import LogTopics
from aegis_streams.names import AUDIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.settings import Settings


class ConsistencyProver:
    """Proves continuations of the logs of one deployment.

    Args:
        entries: Yields the committed entries of a partition of the audit topic, all of them.
        notes: Yields the notes among so many last offsets of a partition of the checkpoints topic.
        verifier: Checks checkpoints.
    """

    def __init__(
        self,
        entries: Callable[[int], Iterable[AuditEntry]],
        notes: Callable[[int, int], Iterable[bytes]],
        verifier: Verifier,
    ) -> None:
        self._entries = entries
        self._checkpoints = CheckpointFinder(notes, verifier)
        self._verifier = verifier

    @classmethod
    def connect(cls, settings: Settings) -> ConsistencyProver:
        """Return a prover that reads a deployment's topics.

        Raises:
            UnavailableError: Kafka does not answer, or the topic is not there.
            TrustFileError: There is no usable trust file.
        """
        topics = LogTopics(settings)
        verifier = Verifier(load_trust(settings.trust_file))
        return cls(topics.entries, topics.notes, verifier)

    def prove(self, old_note: bytes, new_note: bytes | None = None) -> ConsistencyProof:
        """Return a verified proof that the newer checkpoint continues the older one.

        Raises:
            NotTrustedError: A checkpoint does not verify, is of another log or smaller, or the
                leaves are not those of both.
            NotFoundError: There is no checkpoint of this log on the topic that verifies.
            BrokenLogError: The audit topic has a gap, or is shorter than what was signed.
            UnavailableError: Kafka does not answer.
        """
        # Step 1
        old = self._verifier.verify_checkpoint(old_note)
        new_note = new_note or self._newest(old)
        new = self._verifier.verify_checkpoint(new_note)
        require_same_log(old, new)
        # Step 2
        leaves = self._leaves(new)
        # Step 3
        path = consistency_path(leaves, old.size)
        # Step 4
        verify_consistency(old.size, old.root, new.size, new.root, path)
        return ConsistencyProof(old.size, path, new_note)

    def _newest(self, old: Checkpoint) -> bytes:
        return self._checkpoints.newest(_partition(old), old.origin, old.size).note

    def _leaves(self, new: Checkpoint) -> list[bytes]:
        leaves: list[bytes] = []
        for entry in self._entries(_partition(new)):
            if entry.log != new.origin:
                continue
            if entry.sequence != len(leaves):
                break
            leaves.append(leaf_hash(entry.body))
            if len(leaves) == new.size:
                break
        if len(leaves) < new.size:
            raise BrokenLogError(
                f"{new.origin}: {new.size} leaves were signed, {AUDIT} holds {len(leaves)} without "
                "a gap; run `aegis fsck`"
            )
        return leaves


def check_consistency(old_note: bytes, proof: bytes, verifier: Verifier) -> Checkpoint:
    """Return the newer checkpoint of a proof, once it is shown to continue the older one.

    Raises:
        NotTrustedError: A checkpoint does not verify, or the proof does not lead from one to the
            other.
    """
    parsed = parse_consistency(proof)
    old = verifier.verify_checkpoint(old_note)
    if parsed.old_size != old.size:
        raise NotTrustedError(
            Finding.FORKED_HISTORY,
            f"the proof begins at {parsed.old_size} leaves, the older checkpoint has {old.size}",
        )
    new = verifier.verify_checkpoint(parsed.note)
    require_same_log(old, new)
    verify_consistency(old.size, old.root, new.size, new.root, parsed.path)
    return new


def require_same_log(old: Checkpoint, new: Checkpoint) -> None:
    """Refuse checkpoints of two logs, and a newer one that is smaller.

    Raises:
        NotTrustedError: `unknown_origin` or `rolled_back`.
    """
    if old.origin != new.origin:
        raise NotTrustedError(Finding.UNKNOWN_ORIGIN, f"{old.origin} and {new.origin} are two logs")
    if new.size < old.size:
        raise NotTrustedError(
            Finding.ROLLED_BACK, f"{old.origin} had {old.size} leaves before, now {new.size}"
        )


def checkpoint_in(data: bytes) -> bytes:
    """Return the note in a file: a checkpoint as it is, or the one in a receipt.

    Raises:
        NotTrustedError: The receipt is malformed.
    """
    return parse_receipt(data).note if data.startswith(HEADER) else data


def _partition(checkpoint: Checkpoint) -> int:
    return int(checkpoint.origin.rpartition("/")[2])
