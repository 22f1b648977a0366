"""A processor over dictionaries, fed with proposals as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.records import bodies
from aegis_codecs.records.proposals import ProposalDecoder
from aegis_codecs.records.wire import SchemaCache
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators import CURRENT
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.decide.identity import InputRecord
from aegis_streams.decide.processor import DeadLetter, Processor, Tables
from aegis_streams.kafka.partitions import murmur2_partition
from aegis_streams.names import INPUT_TOPICS, PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aegis_codecs.records.audit import AuditEntry

PARTITIONS = 4
AGENT = "agent-1"
PARTITION = murmur2_partition(AGENT.encode(), PARTITIONS)
LOG = f"aegis/test/1/{PARTITION}"
JSON = [("content-type", b"application/json")]
START = 1_700_000_000_000


def proposal(proposal_id: str = "p-1", **fields: object) -> dict[str, Any]:
    """Return a proposal that proceeds, changed by `fields`."""
    return {
        "proposal_id": proposal_id,
        "submitted_at": START,
        "agent_id": AGENT,
        "session_id": "s-1",
        "phase": "plan",
        "proposal_summary": "Raise the cache size",
        "estimated_impact": "medium",
        "risk_baseline": 0.2,
        "risk_proposed": 0.2,
        "profit_baseline": 1.0,
        "profit_proposed": 1.0,
        "novelty_score": 0.8,
        "complexity_score": 0.7,
        "quality_score": 0.9,
        "quality_subscores": [0.9, 0.8],
        "utility_result": None,
        "requires_human_approval": False,
        "time_sensitive": False,
        "reversible": True,
        "shadow_mode": False,
        "drift_baseline_data": None,
        "metadata": {},
        **fields,
    }


class Table(dict[bytes, bytes]):
    """A table of one partition in a dictionary."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""
        self[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key."""
        del self[key]


def tables(config: AegisConfig | None = None) -> Tables:
    """Return the tables of a partition right after genesis."""
    config = config or AegisConfig.default()
    head = Head(
        LOG,
        PARTITIONS,
        0,
        ZERO_HASH,
        START,
        dict.fromkeys(INPUT_TOPICS, 0),
        config.sha256(),
        CURRENT,
    )
    heads = Table({HEAD_KEY: head.to_bytes(), PARAMETERS_KEY: config.to_bytes()})
    return Tables(heads, Table(), Table())


class Deciding:
    """A processor with what it appended.

    Args:
        kept: Tables to go on from; None opens a partition.
        config: Parameters of a new partition.
    """

    def __init__(self, kept: Tables | None = None, config: AegisConfig | None = None) -> None:
        self.tables = kept or tables(config)
        self.entries: list[AuditEntry] = []
        self.letters: list[DeadLetter] = []
        self.processor = Processor(
            PARTITION,
            self.tables,
            ProposalDecoder(SchemaCache()),
            lambda leaves: self.entries.extend(entry for _, entry in leaves),
            self.letters.append,
        )
        self.offset = self.processor.head.offsets[PROPOSALS]

    def record(self, value: object, **fields: object) -> InputRecord:
        """Return the next input record; a dictionary becomes JSON."""
        data = json.dumps(value).encode() if isinstance(value, dict) else value
        known: dict[str, Any] = {
            "topic": PROPOSALS,
            "partition": PARTITION,
            "offset": self.offset,
            "timestamp": START + 1_000 * self.offset,
            "key": AGENT.encode(),
            "value": data,
            "headers": JSON,
        }
        self.offset += 1
        return InputRecord(**{**known, **fields})

    def take(self, record: InputRecord) -> list[bodies.LeafBody]:
        """Process one record and return the leaves it led to."""
        before = len(self.entries)
        self.processor.process([record])
        return [bodies.decode(entry.body) for entry in self.entries[before:]]

    def decide(self, value: object, **fields: object) -> bodies.LeafBody:
        """Process one value and return its ordinal-0 leaf."""
        first, *rest = self.take(self.record(value, **fields))
        assert first.fields["ordinal"] == 0
        assert [leaf.fields["ordinal"] for leaf in rest] == list(range(1, len(rest) + 1))
        return first

    def bodies(self) -> list[bytes]:
        """Return the bytes of all leaf bodies so far."""
        return [entry.body for entry in self.entries]


def replay(records: Iterable[InputRecord], cuts: Iterable[int] = ()) -> Deciding:
    """Process records with a new processor over the same tables after each cut."""
    deciding, ends = Deciding(), set(cuts)
    entries: list[AuditEntry] = []
    for number, record in enumerate(records):
        if number in ends:
            deciding.processor.flush()
            entries += deciding.entries
            deciding = Deciding(deciding.tables)
        deciding.processor.process([record])
    deciding.processor.flush()
    deciding.entries[:0] = entries
    return deciding
