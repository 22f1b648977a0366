"""A small whole log in memory: decided by the real processor, sealed by real keys, no broker.

`MemoryLog` answers as the judge's own `Kafka` does; a test changes its records and has them judged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_RANGE, extend
from aegis_codecs.log.receipt import render_receipts
from aegis_codecs.records import audit, envelopes
from aegis_codecs.records.envelopes import CheckpointRecord, Origin, SignedDecision, dead_letter
from aegis_codecs.records.wire import WireEncoder
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_codecs.trust_file import render_trust
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators import CURRENT
from aegis_streams.decide.head import HEAD_KEY, Head
from aegis_streams.decide.leaves import LogWriter
from aegis_streams.fsck import Source, Task, Topics
from aegis_streams.fsck.kafka import Span
from aegis_streams.fsck.stream import StreamJudge
from support.deciding import LOG, PARTITION, PARTITIONS, START, Deciding, proposal, tables
from support.logs import log_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.decide.leaves import KeyedEntry
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.state import Position
    from aegis_streams.fsck.task import Judged

TOPICS = Topics()
PROPOSALS = TOPICS.inputs[0][0]


@dataclass
class MemoryLog:
    """The records of one log by topic.

    Attributes:
        records: Offset, timestamp, key and value of each record.
        notes: The checkpoints.
        position: Where the last run that wanted a position stopped.
        positions: Every position it took; one interrupted in between has one of them.
        low: First offset by topic, where it is not 0.
        groups: What the group of each task (`decide`, `seal`, `sink`...) committed, by topic.
        grown: How many partitions a topic has, where it is another number than the log's.
    """

    records: dict[str, list[Raw]]
    notes: list[bytes] = field(default_factory=list)
    position: Position | None = None
    positions: list[Position] = field(default_factory=list)
    low: dict[str, int] = field(default_factory=dict)
    groups: dict[str, dict[str, int]] = field(default_factory=dict)
    grown: dict[str, int] = field(default_factory=dict)

    def task(
        self, *, since: Sequence[bytes] = (), database: str | None = None, **changes: Any
    ) -> Task:
        """Return the task of judging it; a `database` is one that `MemoryDatabase.stands` for."""
        epoch = Epoch("aegis", "test", 1, PARTITIONS, log_keys().public_keys())
        return Task(
            LOG,
            PARTITION,
            Source("memory", TOPICS, None, database, {name: name for name in self.groups}),
            render_trust(TrustPolicy([epoch])),
            tuple((f"kept-{number}", note) for number, note in enumerate(since)),
            **{"now_ms": START, **changes},
        )

    def judge(self, *, keep: bool = False, **about: Any) -> Judged:
        """Return what the judge says; `about` is that of the task."""
        self.positions = []
        save: Callable[[Position], None] | None = self.positions.append if keep else None
        judge = StreamJudge(self.task(**about), lambda *_: None, save, kafka=self)
        try:
            found = judge.judge()
        finally:
            judge.close()
        self.position = found.position
        return found

    def partitions(self, topic: str) -> int:
        """Return how many partitions there are."""
        return self.grown.get(topic, PARTITIONS)

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """Return what a group committed."""
        del partition
        return self.groups[group].get(topic)

    def span(self, topic: str, partition: int, *, stable: bool) -> Span:
        """Return where a topic begins and ends."""
        del stable
        records = self.records[topic]
        end = records[-1][0] + 1 if records else 0
        return Span(topic, partition, self.low.get(topic, 0), end)

    def read(self, span: Span, start: int = 0) -> Iterator[Raw]:
        """Yield the records of a topic from an offset on."""
        first = max(start, span.low)
        return (each for each in self.records[span.topic] if first <= each[0] < span.end)

    def close(self) -> None:
        """Do nothing: nothing is open."""


def memory_log(
    values: Sequence[object],
    batch: int = 4,
    config: AegisConfig | None = None,
    forge: Callable[[list[KeyedEntry]], list[KeyedEntry]] = list,
) -> MemoryLog:
    """Decide values (proposals, or bytes) in order and seal every `batch` leaves.

    Args:
        values: The values.
        batch: How many leaves a checkpoint covers.
        config: The parameters.
        forge: What somebody with the keys makes of the leaves before they are sealed.
    """
    config = config or AegisConfig.default()
    opened = tables(config)
    head = Head.from_bytes(opened.heads.get(HEAD_KEY) or b"")
    leaves: list[KeyedEntry] = []
    writer = LogWriter(head, leaves.extend)
    writer.append(None, "EpochOpened", _opening(config))
    writer.write()
    opened.heads.put(HEAD_KEY, head.to_bytes())
    deciding = Deciding(opened)
    inputs = []
    for value in values:
        record = deciding.record(value)
        before = len(deciding.entries)
        deciding.take(record)
        leaves += [(record.key, entry) for entry in deciding.entries[before:]]
        inputs.append((record.offset, record.timestamp, record.key, record.value))
    leaves = forge(leaves)
    log = MemoryLog({PROPOSALS: inputs, "aegis.commands": []})
    encode = WireEncoder(audit.codec(), 3).encode
    log.records[TOPICS.audit] = [
        (n, START, key, encode(entry)) for n, (key, entry) in enumerate(leaves)
    ]
    log.records[TOPICS.letters] = _letters(deciding)
    _seal(log, [entry for _, entry in leaves], batch)
    return log


def sample_values(count: int) -> list[object]:
    """Return proposals of which some repeat, some halt, and some are refused."""
    values: list[object] = []
    for number in range(count):
        match number % 7:
            case 3:
                values.append(proposal(f"p-{number - 1}", session_id="changed"))
            case 4:
                values.append(json.dumps(proposal(f"p-{number - 3}")).encode())
            case 5:
                values.append(b"neither Avro nor JSON")
            case 6:
                values.append(proposal(f"p-{number}", risk_proposed=7.0))
            case _:
                values.append(proposal(f"p-{number}"))
    return values


def _opening(config: AegisConfig) -> dict[str, Any]:
    return {
        "ordinal": 0,
        "leaf_time": START,
        "log": LOG,
        "deployment": "aegis",
        "region": "test",
        "epoch": 1,
        "partition": PARTITION,
        "partitions": PARTITIONS,
        "parameters": config.to_bytes(),
        "parameters_sha256": config.sha256(),
        "mode": config.mode,
        "evaluator": CURRENT,
        "previous": None,
    }


def _letters(deciding: Deciding) -> list[Raw]:
    encode = WireEncoder(envelopes.dead_letter_codec(), 6).encode
    found: list[Raw] = []
    for letter in deciding.letters:
        record = letter.record
        where = Origin(record.topic, record.partition, record.offset, record.timestamp)
        headers = dict(record.headers or [])
        leaf = (letter.log, letter.sequence)
        made = dead_letter(
            letter.reason, letter.detail, where, record.key, record.value, headers, leaf
        )
        found.append((len(found), START, record.key, encode(made)))
    return found


def _seal(log: MemoryLog, entries: Sequence[AuditEntry], batch: int) -> None:
    signer = log_keys().checkpoint_signer(LOG)
    decision = WireEncoder(envelopes.signed_decision_codec(), 4).encode
    checkpoint = WireEncoder(envelopes.checkpoint_codec(), 5).encode
    tree = EMPTY_RANGE
    decisions: list[Raw] = []
    checkpoints: list[Raw] = []
    for start in range(0, len(entries), batch):
        part = entries[start : start + batch]
        first = tree.size
        tree, paths = extend(tree, [entry.leaf_hash for entry in part])
        note = signer.seal(Checkpoint(LOG, tree.size, tree.root()))
        log.notes.append(note)
        for entry, receipt in zip(part, render_receipts(first, paths, note), strict=True):
            if entry.kind == "DecisionMade":
                texts = [entry.decision_id, entry.proposal_id, entry.agent_id, entry.status]
                made = SignedDecision(entry.body, receipt, *[text or "" for text in texts])
                key = (entry.agent_id or "").encode()
                decisions.append((len(decisions), START, key, decision(made)))
        value = checkpoint(CheckpointRecord(LOG, tree.size, note, keep=True))
        checkpoints.append((len(checkpoints), START, LOG.encode(), value))
    log.records[TOPICS.decisions] = decisions
    log.records[TOPICS.checkpoints] = checkpoints
