"""Everything that a run left behind about one partition, as read from Kafka itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.records.audit import AuditEntry
    from aegis_codecs.records.envelopes import DeadLetter, SignedDecision
    from aegis_codecs.records.wire import SchemaCache
    from aegis_codecs.trust import TrustPolicy
    from aegis_streams.decide.identity import InputRecord
    from chaos.submissions import Sent


class Leaf(NamedTuple):
    """One record of the audit topic."""

    offset: int
    key: bytes | None
    entry: AuditEntry


class Keyed(NamedTuple):
    """A record of another output topic, with its key."""

    key: bytes | None
    record: SignedDecision


@dataclass
class PartitionEvidence:
    """One partition of every topic.

    Attributes:
        partition: Its number.
        origin: The log that must be there.
        sent: What the load had delivered, by topic and offset.
        inputs: The input records, by topic in order of offset.
        leaves: The audit topic.
        decisions: The topic of signed decisions.
        notes: Notes of the checkpoint topic.
        loose_notes: Every distinct note that a reader of uncommitted records can get, from
            checkpoints and from receipts.
        journal: Every checkpoint that a sealer was about to sign, in the order written.
        letters: The dead letters.
        tables: Last value per key of each table of the decider, from its changelog.
        tree: The same of the sealer's table.
        offsets: Committed offsets by group and topic.
    """

    partition: int
    origin: str
    sent: dict[tuple[str, int], Sent]
    inputs: dict[str, list[InputRecord]]
    leaves: list[Leaf]
    decisions: list[Keyed]
    notes: list[bytes]
    loose_notes: list[bytes]
    journal: list[Checkpoint]
    letters: list[DeadLetter]
    tables: dict[str, dict[bytes, bytes]]
    tree: dict[bytes, bytes]
    offsets: dict[tuple[str, str], int]


@dataclass
class Setting:
    """What all partitions share.

    Attributes:
        trust: Who is believed, from the trust file.
        schemas: Writers' schemas known so far.
        fetch: Brings a schema into `schemas`, or the answer that there is none.
    """

    trust: TrustPolicy
    schemas: SchemaCache
    fetch: Callable[[int], None]
