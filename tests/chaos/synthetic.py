"""Evidence of a faultless run made in memory, for doctoring: nothing of it was ever in Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_codecs.keys.log import LogKeys
from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.log.merkle import EMPTY_RANGE
from aegis_codecs.records import schemas
from aegis_codecs.records.envelopes import Origin, SignedDecision, dead_letter
from aegis_codecs.records.proposals import ProposalDecoder
from aegis_codecs.records.wire import SchemaCache
from aegis_codecs.signers import LOG_ALGORITHMS
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_governance.evaluators import CURRENT
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.decide.identity import InputRecord
from aegis_streams.decide.leaves import LogWriter
from aegis_streams.decide.processor import Processor, Tables
from aegis_streams.names import AUDIT, DECIDE_GROUP, INPUT_TOPICS, SEAL_GROUP
from aegis_streams.seal.sealer import Sealer
from aegis_streams.seal.tree import TREE_KEY, TreeState
from chaos.mixture import UNKNOWN_SCHEMA, Mixture
from chaos.oracle.evidence import Keyed, Leaf, PartitionEvidence, Setting
from chaos.oracle.replay import Table
from chaos.parameters import parameters
from chaos.submissions import Sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.records.audit import AuditEntry
    from aegis_governance.config import AegisConfig
    from aegis_streams.decide.leaves import KeyedEntry
    from aegis_streams.decide.processor import DeadLetter

PARTITION: Final = 1
PARTITIONS: Final = 2
ORIGIN: Final = f"aegis/local/1/{PARTITION}"
START: Final = 1_767_225_600_000
SCHEMAS: Final = {"ProposalSubmitted": 1, "Command": 2}
MARKER_EVERY: Final = 9
"""A transaction marker takes up an offset after so many leaves."""


class Synthetic:
    """A partition that was decided and sealed in memory.

    Args:
        seed: Draws the load.
        count: How many inputs are drawn over all partitions.
    """

    def __init__(self, seed: int = 1, count: int = 1_200) -> None:
        keys = LogKeys({each.name: bytes([7]) * each.seed_size for each in LOG_ALGORITHMS})
        self._signer = keys.checkpoint_signer(ORIGIN)
        self._cache = SchemaCache()
        self._cache.put(1, schemas.source("ProposalSubmitted"))
        self._cache.put_unknown(UNKNOWN_SCHEMA)
        epoch = Epoch("aegis", "local", 1, PARTITIONS, keys.public_keys())
        self.setting = Setting(TrustPolicy([epoch]), self._cache, lambda _: None)
        self.evidence = PartitionEvidence(
            PARTITION,
            ORIGIN,
            sent={},
            inputs={topic: [] for topic in INPUT_TOPICS},
            leaves=[],
            decisions=[],
            notes=[],
            loose_notes=[],
            journal=[],
            letters=[],
            tables={},
            tree={},
            offsets={},
        )
        self._send(seed, count)
        self._decide()
        self._seal()

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """Sign a checkpoint with the keys of the log."""
        return self._signer.seal(checkpoint)

    def _send(self, seed: int, count: int) -> None:
        mixture, evidence = Mixture(seed, PARTITIONS, SCHEMAS), self.evidence
        for number in range(count):
            submission = mixture.next()
            if submission.partition != PARTITION:
                continue
            topic = evidence.inputs[submission.topic]
            offset = len(topic)
            topic.append(
                InputRecord(
                    submission.topic,
                    PARTITION,
                    offset,
                    START + 10 * number,
                    submission.key,
                    submission.value,
                    list(submission.headers) or None,
                )
            )
            evidence.sent[submission.topic, offset] = Sent.of(submission)

    def _decide(self) -> None:
        evidence, config = self.evidence, parameters()
        tables = self._genesis(config)
        processor = Processor(
            PARTITION, tables, ProposalDecoder(self._cache), self._keep, self._letter
        )
        records = (record for topic in INPUT_TOPICS for record in evidence.inputs[topic])
        for number, record in enumerate(sorted(records, key=lambda each: each.timestamp)):
            processor.process([record])
            if number % 50 == 0:
                processor.flush()
        processor.flush()
        evidence.tables = {name: dict(table.items()) for name, table in tables._asdict().items()}
        for topic in INPUT_TOPICS:
            evidence.offsets[DECIDE_GROUP, topic] = len(evidence.inputs[topic])

    def _genesis(self, config: AegisConfig) -> Tables:
        digest = config.sha256()
        head = Head(
            ORIGIN, PARTITIONS, 0, ZERO_HASH, START, dict.fromkeys(INPUT_TOPICS, 0), digest, CURRENT
        )
        opened = {
            "ordinal": 0,
            "leaf_time": START,
            "log": ORIGIN,
            "deployment": "aegis",
            "region": "local",
            "epoch": 1,
            "partition": PARTITION,
            "partitions": PARTITIONS,
            "parameters": config.to_bytes(),
            "parameters_sha256": digest,
            "mode": config.mode,
            "evaluator": CURRENT,
            "previous": None,
        }
        log = LogWriter(head, self._keep)
        log.append(None, "EpochOpened", opened)
        log.write()
        heads = Table({HEAD_KEY: head.to_bytes(), PARAMETERS_KEY: config.to_bytes()})
        return Tables(heads, Table(), Table())

    def _keep(self, entries: Sequence[KeyedEntry]) -> None:
        leaves = self.evidence.leaves
        for key, entry in entries:
            leaves.append(Leaf(len(leaves) + len(leaves) // MARKER_EVERY, key, entry))

    def _letter(self, letter: DeadLetter) -> None:
        record = letter.record
        self.evidence.letters.append(
            dead_letter(
                letter.reason,
                letter.detail,
                Origin(record.topic, record.partition, record.offset, record.timestamp),
                record.key,
                record.value,
                dict(record.headers or ()),
                (letter.log, letter.sequence),
            )
        )

    def _seal(self) -> None:
        evidence = self.evidence
        state = TreeState(ORIGIN, EMPTY_RANGE, ZERO_HASH, 0)
        sealer = Sealer(state, evidence.journal.append, self.sign)
        for start in range(0, len(evidence.leaves), 40):
            batch = evidence.leaves[start : start + 40]
            sealed = sealer.seal([leaf.entry for leaf in batch], batch[-1].offset + 1)
            evidence.notes.append(sealed.note)
            evidence.decisions += [
                _published(entry, receipt) for entry, receipt in sealed.decisions
            ]
        evidence.loose_notes = list(evidence.notes)
        evidence.tree = {TREE_KEY: sealer.state.to_bytes()}
        evidence.offsets[SEAL_GROUP, AUDIT] = evidence.leaves[-1].offset + 1


def _published(entry: AuditEntry, receipt: bytes) -> Keyed:
    agent = entry.agent_id or ""
    decision = SignedDecision(
        entry.body,
        receipt,
        entry.decision_id or "",
        entry.proposal_id or "",
        agent,
        entry.status or "",
    )
    return Keyed(agent.encode(), decision)
