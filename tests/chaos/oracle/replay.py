"""The inputs evaluated again, in leaf order, with empty tables: the same bytes must come out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import bodies
from aegis_codecs.records.errors import SchemaNotCachedError
from aegis_codecs.records.proposals import ProposalDecoder
from aegis_governance.errors import AegisError
from aegis_streams.decide.processor import Processor, Tables
from aegis_streams.names import AUDIT, DECIDE_GROUP, SEAL_GROUP
from aegis_streams.seal.tree import TREE_KEY
from chaos.control.tables import genesis_heads

if TYPE_CHECKING:
    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.decide.identity import InputRecord
    from chaos.oracle.evidence import PartitionEvidence, Setting
    from chaos.oracle.findings import Findings
    from chaos.oracle.inputs import Caused
    from chaos.oracle.log import Tree

FLUSH_EVERY: Final = 97
"""Inputs between two flushes: other batches than the workers had, to the same end."""


class Table(dict[bytes, bytes]):
    """A table of one partition in a dictionary."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""
        self[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key."""
        del self[key]


def check_replay(
    evidence: PartitionEvidence,
    matched: list[tuple[Caused, InputRecord]],
    setting: Setting,
    findings: Findings,
) -> None:
    """Compare every leaf body, every table and every offset with the recomputation."""
    if not evidence.leaves or "partitions" not in _decoded(evidence.leaves[0].entry.body):
        findings.add("genesis_missing", evidence.origin, "the first leaf is no EpochOpened")
        return
    tables = _genesis(evidence)
    entries: list[AuditEntry] = [evidence.leaves[0].entry]
    decoder = ProposalDecoder(setting.schemas)
    processor = Processor(
        evidence.partition,
        tables,
        decoder,
        lambda leaves: entries.extend(entry for _, entry in leaves),
        lambda _: None,
    )
    for number, (each, record) in enumerate(matched, start=1):
        try:
            _process(processor, record, setting)
        except AegisError as error:
            where = f"{evidence.origin} leaf {each.leaf.entry.sequence}"
            findings.add("replay_stopped", where, str(error))
            return
        if number % FLUSH_EVERY == 0:
            processor.flush()
    processor.flush()
    _compare_bodies(evidence, entries, findings)
    for name, wanted in tables._asdict().items():
        _compare_table(evidence, name, evidence.tables[name], wanted, findings)
    _compare_offsets(evidence, findings)


def check_tree_table(evidence: PartitionEvidence, tree: Tree, findings: Findings) -> None:
    """Compare the sealer's state with the recomputed tree, except for what batch cuts decide."""
    where = f"{evidence.origin} table tree"
    data = evidence.tree.get(TREE_KEY)
    if data is None or not evidence.leaves:
        findings.add("table_key_missing", where, "no state")
        return
    last = evidence.leaves[-1]
    state: dict[str, Any] = json.loads(data)
    findings.expect(
        "tree_state",
        where,
        {name: state[name] for name in ("log", "entry_hash", "next_offset")},
        {
            "log": evidence.origin,
            "entry_hash": last.entry.entry_hash.hex(),
            "next_offset": last.offset + 1,
        },
    )
    size = int.from_bytes(bytes.fromhex(state["range"])[:8], "big")
    findings.expect("tree_state", f"{where}, size", size, tree.size)


def _genesis(evidence: PartitionEvidence) -> Tables:
    """Return the tables as genesis left them, from the first leaf alone."""
    heads = Table(genesis_heads(evidence.leaves[0].entry))
    return Tables(heads, Table(), Table())


def _process(processor: Processor, record: InputRecord, setting: Setting) -> None:
    while True:
        try:
            processor.process([record])
        except SchemaNotCachedError as missing:
            setting.fetch(missing.schema_id)
        else:
            return


def _compare_bodies(
    evidence: PartitionEvidence, entries: list[AuditEntry], findings: Findings
) -> None:
    for leaf, again in zip(evidence.leaves, entries, strict=False):
        where = f"{evidence.origin} leaf {leaf.entry.sequence}"
        if leaf.entry.body != again.body:
            found, wanted = (_decoded(body) for body in (leaf.entry.body, again.body))
            fields = sorted(name for name in found if found[name] != wanted.get(name))
            findings.add(
                "replay_body",
                where,
                f"differs in {', '.join(fields)}: "
                f"{[(found[name], wanted.get(name)) for name in fields[:3]]}",
            )
        findings.checked["replay_body"] += 1
    findings.expect("replay_count", evidence.origin, len(evidence.leaves), len(entries))


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        kind, fields = bodies.decode(body)
    except DecodeError:
        return {"body": body}
    return {"kind": kind, **fields}


def _compare_table(
    evidence: PartitionEvidence,
    name: str,
    found: dict[bytes, bytes],
    wanted: dict[bytes, bytes],
    findings: Findings,
) -> None:
    for key in sorted(found.keys() | wanted.keys()):
        where = f"{evidence.origin} table {name}, key {key!r}"
        if key not in found:
            findings.add("table_key_missing", where, "not in the changelog")
        elif key not in wanted:
            findings.add("table_key_foreign", where, "in the changelog, and nothing led to it")
        else:
            findings.expect("table_value", where, found[key], wanted[key])


def _compare_offsets(evidence: PartitionEvidence, findings: Findings) -> None:
    for topic, records in evidence.inputs.items():
        where = f"group {DECIDE_GROUP}, {topic}[{evidence.partition}]"
        wanted = records[-1].offset + 1 if records else 0
        findings.expect("offset", where, evidence.offsets.get((DECIDE_GROUP, topic)), wanted)


def check_sealed_offset(evidence: PartitionEvidence, findings: Findings) -> None:
    """Compare the sealer's offset with the end of the log."""
    where = f"group {SEAL_GROUP}, {AUDIT}[{evidence.partition}]"
    sealed = evidence.offsets.get((SEAL_GROUP, AUDIT))
    wanted = evidence.leaves[-1].offset + 1 if evidence.leaves else 0
    findings.expect("offset", where, sealed, wanted)
