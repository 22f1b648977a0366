"""Rebuilding the receipt of any decision from the audit topic.

Receipts on the decisions topic are kept for days, leaves for ever. All that is needed is in the
log: every leaf of the decision's partition is hashed again, the newest signed checkpoint gives
the tree, and the path of the leaf within it is the proof. Steps of `ReceiptBuilder.rebuild`:

1. scan the partitions of the audit topic for the decision, hashing every leaf;
2. find the newest checkpoint of that log that verifies;
3. compute the path of the leaf in the tree of that checkpoint;
4. render the receipt with the body inside, and verify it against the trust file.

Memory: about 75 bytes per leaf of one partition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aegis_codecs.log.merkle import inclusion_path, leaf_hash
from aegis_codecs.log.receipt import render
from aegis_codecs.records import bodies
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.checkpoints import CheckpointFinder
from aegis_streams.client.decisions import DECISION
from aegis_streams.client.errors import BrokenLogError, NotFoundError, NotSealedError
from aegis_streams.client.log_topics import LogTopics
from aegis_streams.names import AUDIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aegis_codecs.records.audit import AuditEntry
    from aegis_codecs.verifier import VerifiedLeaf
    from aegis_streams.client.checkpoints import SignedCheckpoint
    from aegis_streams.settings import Settings


class Rebuilt(NamedTuple):
    """A receipt that was rebuilt and verified.

    Attributes:
        receipt: A tlog-proof with the leaf body inside.
        leaf: What it proves.
    """

    receipt: bytes
    leaf: VerifiedLeaf


class _Found(NamedTuple):
    """A decision's leaf, and the hashes of all leaves of its log in its partition."""

    partition: int
    log: str
    position: int
    body: bytes
    leaves: list[bytes]


class ReceiptBuilder:
    """Rebuilds receipts of one deployment.

    Args:
        partitions: Number of partitions of its topics.
        entries: Yields the committed entries of a partition of the audit topic, all of them.
        notes: Yields the notes among so many last offsets of a partition of the checkpoints topic.
        verifier: Checks the result.
    """

    def __init__(
        self,
        partitions: int,
        entries: Callable[[int], Iterable[AuditEntry]],
        notes: Callable[[int, int], Iterable[bytes]],
        verifier: Verifier,
    ) -> None:
        self._partitions = partitions
        self._entries = entries
        self._checkpoints = CheckpointFinder(notes, verifier)
        self._verifier = verifier

    @classmethod
    def connect(cls, settings: Settings) -> ReceiptBuilder:
        """Return a builder that reads a deployment's topics.

        Raises:
            UnavailableError: Kafka does not answer, or the topic is not there.
            TrustFileError: There is no usable trust file.
        """
        topics = LogTopics(settings)
        verifier = Verifier(load_trust(settings.trust_file))
        return cls(topics.partitions, topics.entries, topics.notes, verifier)

    def rebuild(self, decision_id: str) -> Rebuilt:
        """Rebuild the receipt of a decision.

        Raises:
            NotFoundError: No such decision, or no checkpoint of its log that verifies is left on
                the topic.
            NotSealedError: No checkpoint covers it yet.
            BrokenLogError: The audit topic has a gap, or is shorter than what was signed.
            NotTrustedError: The newest checkpoint is not of these leaves, the log is unknown, or it
                signed two histories.
            UnavailableError: Kafka does not answer.
        """
        # Step 1
        found = self._find(decision_id)
        # Step 2
        newest = self._newest(found)
        # Step 3
        path = inclusion_path(found.leaves, found.position, newest.checkpoint.size)
        # Step 4
        receipt = render(found.position, path, newest.note, found.body)
        return Rebuilt(receipt, self._verifier.verify_receipt(receipt))

    def _find(self, decision_id: str) -> _Found:
        for partition in range(self._partitions):
            logs: dict[str, list[bytes]] = {}
            place: tuple[str, int, bytes] | None = None
            for entry in self._entries(partition):
                _append(logs.setdefault(entry.log, []), entry)
                if entry.decision_id == decision_id and _decides(entry.body, decision_id):
                    place = place or (entry.log, entry.sequence, entry.body)
            if place is not None:
                return _Found(partition, *place, logs[place[0]])
        raise NotFoundError(
            f"{decision_id}: no such decision in the {self._partitions} partitions of {AUDIT}; "
            "`aegis watch --from earliest` lists decisions"
        )

    def _newest(self, found: _Found) -> SignedCheckpoint:
        newest = self._checkpoints.newest(found.partition, found.log, found.position + 1)
        size = newest.checkpoint.size
        if size <= found.position:
            raise NotSealedError(
                f"{found.log}: leaf {found.position} is committed and not sealed yet (the newest "
                f"checkpoint has {size} leaves); is the sealer running? `aegis status`"
            )
        if size > len(found.leaves):
            raise BrokenLogError(
                f"{found.log}: {size} leaves were signed, {AUDIT} holds {len(found.leaves)}; run "
                "`aegis fsck`"
            )
        return newest


def _append(leaves: list[bytes], entry: AuditEntry) -> None:
    if entry.sequence != len(leaves):
        raise BrokenLogError(
            f"{entry.log}: leaf {len(leaves)} is missing on {AUDIT}, found {entry.sequence}; "
            "run `aegis fsck`"
        )
    leaves.append(leaf_hash(entry.body))


def _decides(body: bytes, decision_id: str) -> bool:
    """Tell whether a body is this decision: the column beside it is only a copy."""
    kind, fields = bodies.decode(body)
    return kind == DECISION and fields["decision_id"] == decision_id
