"""Somebody who holds the broker: reads every record of a real deployment and writes other ones.

`snapshot` lets real workers decide and seal once, and keeps all records in memory. A `Forger`
writes them, changed as a test likes, to topics of its own on the same broker.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from aegis_codecs.keys import load_log_keys
from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_RANGE, extend, leaf_hash
from aegis_codecs.log.receipt import render_receipts
from aegis_codecs.records import bodies
from aegis_codecs.records.audit import columns_of
from aegis_codecs.records.envelopes import CheckpointRecord, signed_decision_codec
from aegis_codecs.records.wire import WireDecoder
from aegis_streams import fsck
from aegis_streams.names import (
    AUDIT,
    CHECKPOINTS,
    COMMANDS,
    DEAD_LETTERS,
    DECISIONS,
    PROPOSALS,
)
from aegis_streams.records import Records
from aegis_streams.sources.edge_cases import edge_cases
from aegis_streams.stack.processes import wait_until
from support.deciding import proposal
from support.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aegis_codecs.keys import LogKeys
    from aegis_codecs.records.audit import AuditEntry
    from aegis_codecs.records.envelopes import SignedDecision
    from support.stack import RunningStack

ALL = (PROPOSALS, COMMANDS, AUDIT, CHECKPOINTS, DECISIONS, DEAD_LETTERS)
DEADLINE = 90.0
FIRST, SECOND = 12, 12
"""Good proposals before and after the checkpoint that somebody keeps."""


class Rec(NamedTuple):
    """A record as it lies on its topic."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


@dataclass
class Snapshot:
    """Everything a deployment of one partition wrote.

    Attributes:
        log: Its log.
        records: Its committed records by topic.
        trust: Its trust file.
        keys: Its signing keys, for the lies that only its owner can tell.
        retained: A checkpoint that somebody kept when the log was half as long.
        wire: Codecs with the registry's ids.
        settings: Of the deployment.
    """

    log: str
    records: dict[str, list[Rec]]
    trust: bytes
    keys: LogKeys
    retained: bytes
    wire: Records
    registry: str
    bootstrap: str
    written: dict[str, str] = field(default_factory=dict)

    def entries(self) -> list[AuditEntry]:
        """Return the leaves, decoded."""
        return [self.wire.decode_audit(record.value) for record in self.records[AUDIT]]

    def decisions(self) -> list[SignedDecision]:
        """Return the released decisions, decoded."""
        decoder = WireDecoder(signed_decision_codec(), self.wire.schemas)
        return [decoder.decode(record.value or b"") for record in self.records[DECISIONS]]

    def audit(self, entries: Sequence[AuditEntry]) -> list[Rec]:
        """Return records of leaves, with the keys and times that stood there in the same places."""
        real = self.records[AUDIT]
        keys = [record.key for record in real] + [real[-1].key] * len(entries)
        return [
            Rec(real[0].timestamp, key, self.wire.audit(entry), [])
            for key, entry in zip(keys, entries, strict=False)
        ]

    def sealed(
        self, entries: Sequence[AuditEntry], keys: LogKeys | None = None, batch: int = 10
    ) -> dict[str, list[Rec]]:
        """Return the topics of a history that was sealed anew by whoever has these keys."""
        signer = (keys or self.keys).checkpoint_signer(self.log)
        tree, decisions, checkpoints = EMPTY_RANGE, [], []
        for start in range(0, len(entries), batch):
            part = entries[start : start + batch]
            first = tree.size
            tree, paths = extend(tree, [leaf_hash(entry.body) for entry in part])
            head = Checkpoint(self.log, tree.size, tree.root())
            note = signer.seal(head)
            for entry, receipt in zip(part, render_receipts(first, paths, note), strict=True):
                if entry.kind == "DecisionMade":
                    agent = (entry.agent_id or "").encode()
                    decisions.append(Rec(entry.time, agent, self.wire.decision(entry, receipt), []))
            value = self.wire.checkpoint(head, note, keep=True)
            checkpoints.append(Rec(part[-1].time, self.log.encode(), value, []))
        return {AUDIT: self.audit(entries), DECISIONS: decisions, CHECKPOINTS: checkpoints}

    def checkpoint(self, record: Rec) -> CheckpointRecord:
        """Return a checkpoint record, decoded."""
        note = self.wire.checkpoint_note(record.value)
        origin, size, _ = note.split(b"\n")[:3]
        return CheckpointRecord(origin.decode(), int(size), note, keep=True)


def rechained(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """Return entries numbered, hashed and linked anew, with copies that fit their bodies."""
    previous, found = ZERO_HASH, []
    for sequence, entry in enumerate(entries):
        leaf = leaf_hash(entry.body)
        link = entry_hash(previous, leaf)
        found.append(
            entry._replace(
                sequence=sequence,
                previous_hash=previous,
                leaf_hash=leaf,
                entry_hash=link,
                **columns_of(entry.body)._asdict(),
            )
        )
        previous = link
    return found


def rewritten(entry: AuditEntry, **changes: object) -> AuditEntry:
    """Return an entry whose body says something else; hashes and copies stay."""
    kind, fields = bodies.decode(entry.body)
    return entry._replace(body=bodies.encode(kind, {**fields, **changes}))


class Forger:
    """Writes forged topics and has them judged.

    Args:
        stack: The broker.
        real: What is forged.
    """

    def __init__(self, stack: RunningStack, real: Snapshot) -> None:
        self._stack = stack
        self.real = real

    def judge(
        self,
        changed: dict[str, list[Rec]] | None = None,
        *,
        since: Sequence[bytes] = (),
        trust: bytes | None = None,
        **more: Any,
    ) -> fsck.Report:
        """Return what the judge says about the deployment with some of its topics changed."""
        changed = changed or {}
        names = {topic: self._written(topic, changed.get(topic)) for topic in ALL}
        topics = fsck.Topics(
            audit=names[AUDIT],
            checkpoints=names[CHECKPOINTS],
            decisions=names[DECISIONS],
            letters=names[DEAD_LETTERS],
            inputs=((PROPOSALS, names[PROPOSALS]), (COMMANDS, names[COMMANDS])),
        )
        real = self.real
        source = fsck.Source(
            more.pop("bootstrap", real.bootstrap),
            topics,
            more.pop("registry", real.registry),
            more.pop("database", None),
            more.pop("groups", {}),
        )
        task = fsck.Task(
            real.log,
            0,
            source,
            trust or real.trust,
            tuple((f"kept-{number}", note) for number, note in enumerate(since)),
            now_ms=int(time.time() * 1000),
        )
        return fsck.judge([replace(task, **more)], processes=1)

    def commit(self, group: str, topic: str, offset: int) -> None:
        """Have a consumer group commit an offset of a true topic."""
        settings = {"bootstrap.servers": self.real.bootstrap, "group.id": group}
        consumer = Consumer(settings)
        place = TopicPartition(self._written(topic, None), 0, offset)
        consumer.commit(offsets=[place], asynchronous=False)
        consumer.close()

    def _written(self, topic: str, records: list[Rec] | None) -> str:
        """Return the name of a topic that holds these records; the true ones are written once."""
        if records is None:
            if topic not in self.real.written:
                self.real.written[topic] = self._write(topic, self.real.records[topic])
            return self.real.written[topic]
        return self._write(topic, records)

    def _write(self, topic: str, records: Sequence[Rec]) -> str:
        name = self._stack.topic(topic.replace("aegis.", "forged-"), 1, retention_ms="-1")
        producer = Producer({"bootstrap.servers": self.real.bootstrap, "linger.ms": 0})
        for timestamp, key, value, headers in records:
            producer.produce(
                name, value, key, partition=0, timestamp=timestamp, headers=list(headers)
            )
        assert producer.flush(30) == 0
        return name


def snapshot(stack: RunningStack, home: Path) -> Snapshot:
    """Open a deployment, let real workers decide and seal, and read everything it wrote."""
    stack.clear()
    deployment = Deployment(stack, home, partitions=1)
    deployment.open()
    wire = Records(deployment.settings.registry_url)
    with deployment.workers():
        _submit(deployment, 0, FIRST)
        _wait(deployment)
        notes = [wire.checkpoint_note(record.value) for record in deployment.read(CHECKPOINTS)]
        _edge_cases(deployment)
        _submit(deployment, FIRST - 2, FIRST + SECOND)  # two of them again
        _wait(deployment)
    return Snapshot(
        deployment.settings.origin(0),
        {topic: _records(deployment, topic) for topic in ALL},
        deployment.settings.trust_file.read_bytes(),
        load_log_keys(deployment.settings.keys_dir),
        notes[-1],
        wire,
        stack.registry_url,
        stack.bootstrap,
    )


def codes(report: fsck.Report) -> set[str]:
    """Return the names of all findings of a report."""
    found = [*report.findings, *(each for log in report.logs for each in log.findings)]
    return {str(each.code) for each in found}


def first(report: fsck.Report, code: str) -> dict[str, Any]:
    """Return where a finding was met first."""
    for log in report.logs:
        for found in log.findings:
            if found.code == code:
                return found.where
    raise AssertionError(f"{code} is not among {codes(report)}")


def _submit(deployment: Deployment, start: int, end: int) -> None:
    deployment.submit(
        [
            proposal(f"p-{n}", agent_id=f"agent-{n % 5}", novelty_score=0.8)
            for n in range(start, end)
        ]
    )


def _edge_cases(deployment: Deployment) -> None:
    producer = Producer({"bootstrap.servers": deployment.stack.bootstrap})
    for case in edge_cases():
        headers: list[tuple[str, str | bytes | None]] = [("content-type", b"application/json")]
        producer.produce(PROPOSALS, case.value, case.agent_id, headers=headers)
    producer.produce(PROPOSALS, b"\0no schema", b"agent-0")
    producer.produce(COMMANDS, b"no command", b"agent-1")
    producer.produce(PROPOSALS, None, b"agent-2")
    assert producer.flush(30) == 0


def _wait(deployment: Deployment) -> None:
    """Wait until every input has its leaf, and every leaf is sealed."""
    inputs = len(deployment.read(PROPOSALS)) + len(deployment.read(COMMANDS))

    def settled() -> bool:
        leaves = [leaf for leaf in deployment.leaves() if leaf.kind != "DriftChanged"]
        decided = [leaf for leaf in leaves if leaf.kind == "DecisionMade"]
        return len(leaves) == inputs + 1 and len(deployment.read(DECISIONS)) == len(decided)

    assert wait_until(settled, DEADLINE)


def _records(deployment: Deployment, topic: str) -> list[Rec]:
    """Read a topic with headers; its offsets must be those a copy gets."""
    consumer = Consumer(
        {
            "bootstrap.servers": deployment.stack.bootstrap,
            "group.id": "forger",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[Rec] = []
    while True:
        message = consumer.poll(10)
        assert message is not None
        if message.error() is not None:
            break
        stamp = message.timestamp()[1]
        headers: Callable[[], Any] = message.headers
        found.append(Rec(stamp, message.key(), message.value(), list(headers() or [])))
        if topic in (PROPOSALS, COMMANDS):
            assert message.offset() == len(found) - 1
    consumer.close()
    return found
