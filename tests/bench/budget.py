"""Where the time of one record goes, stage by stage, measured in this process without Kafka.

Each stage runs over the same sample; the quickest of some passes counts, in CPU time of the thread.
What a real worker needs beyond this is the driver, Faust and the threads of the Kafka client: the
throughput sections show it.
"""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from aegis_codecs.keys import generate_log_keys, load_log_keys
from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.log.merkle import EMPTY_RANGE, extend, leaf_hash
from aegis_codecs.log.receipt import render_receipts
from aegis_codecs.records.proposals import ProposalDecoder
from aegis_codecs.records.validation import gate_inputs, validate_beside
from aegis_governance.drift import AgentDrift
from aegis_governance.evaluators import CURRENT, evaluator
from aegis_streams.decide.decider import SLICE_RECORDS
from aegis_streams.decide.gates import GateStage
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.decide.identity import InputRecord, decision_id
from aegis_streams.decide.processor import Processor, Tables
from aegis_streams.decide.verdicts import DecisionRows, Made
from aegis_streams.kafka.partitions import murmur2_partition
from aegis_streams.names import INPUT_TOPICS, PROPOSALS
from aegis_streams.records import Records
from aegis_streams.seal.guard import Guard
from aegis_streams.seal.sealer import check_entries
from aegis_streams.seal.tree import TreeState
from bench.bare_loop import Slice
from bench.workload import parameters, submissions
from support.schema_registry import fake_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.decide.gates import GatesFound
    from aegis_streams.decide.leaves import KeyedEntry, LeafSink
    from bench.plan import Plan

_LOG: Final = "bench/local/1/0"
_PARTITIONS: Final = 4
_START: Final = 1_763_900_000_000


class Budget:
    """Measures the stages.

    Args:
        plan: Size of the sample, and passes over it.
    """

    def __init__(self, plan: Plan) -> None:
        self._repeats = plan.repeats
        self._config = parameters()
        with fake_registry() as registry:
            self._records = Records(registry.url)
        self._inputs = self._sample(plan.samples)
        self._head, self._entries = self._decided()

    def run(self) -> dict[str, dict[str, float]]:
        """Return microseconds per record by stage, and per batch where it says so."""
        return {"decide_us": self._decide(), "seal_us": self._seal(), "batch_us": self._batch()}

    def _sample(self, count: int) -> list[InputRecord]:
        numbers = self._records.ids["ProposalSubmitted"]
        here = (
            each
            for each in submissions("budget", numbers)
            if murmur2_partition(each.key, _PARTITIONS) == 0
        )
        return [
            InputRecord(PROPOSALS, 0, offset, _START + offset, each.key, each.value)
            for offset, each in enumerate(islice(here, count))
        ]

    def _tables(self) -> Tables:
        config = self._config
        head = Head(
            _LOG,
            _PARTITIONS,
            0,
            ZERO_HASH,
            _START,
            dict.fromkeys(INPUT_TOPICS, 0),
            config.sha256(),
            CURRENT,
        )
        tables = Tables(Slice(), Slice(), Slice())
        tables.heads.put(HEAD_KEY, head.to_bytes())
        tables.heads.put(PARAMETERS_KEY, config.to_bytes())
        return tables

    def _processor(self, leaves: LeafSink) -> Processor:
        decoder = ProposalDecoder(self._records.schemas)
        return Processor(0, self._tables(), decoder, leaves, lambda _: None)

    def _decided(self) -> tuple[Head, list[AuditEntry]]:
        entries: list[AuditEntry] = []
        processor = self._processor(lambda leaves: entries.extend(entry for _, entry in leaves))
        self._process(processor)
        return processor.head, entries

    def _process(self, processor: Processor) -> None:
        for start in range(0, len(self._inputs), SLICE_RECORDS):
            processor.process(self._inputs[start : start + SLICE_RECORDS])

    def _decide(self) -> dict[str, float]:
        decoder = ProposalDecoder(self._records.schemas)
        decode = decoder.decode
        decoded = [(record, decode(record.value)) for record in self._inputs]
        sound = [
            (record, proposal, gate_inputs(proposal))
            for record, proposal in decoded
            if validate_beside(proposal, gate_inputs(proposal)) is None
        ]
        agents = {p["agent_id"]: AgentDrift(self._config, p["agent_id"]) for _, p, _ in sound}
        judge = evaluator(CURRENT, self._config).judge
        stage = GateStage(evaluator(CURRENT, self._config))
        observed = [
            agents[p["agent_id"]].observe(g.risk_proposed, g.profit_proposed) for _, p, g in sound
        ]
        columns = ([g for _, _, g in sound], [p["agent_id"] for _, p, _ in sound])
        found = cast("list[GatesFound]", stage.evaluate(*columns))
        cases = [
            (g, gates.failing, o)
            for (_, _, g), gates, o in zip(sound, found, observed, strict=True)
        ]
        rows = DecisionRows(0, self._head, self._config)
        bodied = [
            (
                Made(
                    r,
                    r.timestamp,
                    decision_id(_LOG, r, 0),
                    p,
                    bytes(32),
                    gates,
                    judge(*case),
                    case[2],
                ),
            )
            for (r, p, _), case, gates in zip(sound, cases, found, strict=True)
        ]
        windows = [(agents[p["agent_id"]], g.risk_proposed, g.profit_proposed) for _, p, g in sound]
        return {
            "decode": self._stage(decode, [(record.value,) for record in self._inputs]),
            "gate inputs": self._stage(gate_inputs, [(p,) for _, p, _ in sound]),
            "validate": self._stage(validate_beside, [(p, g) for _, p, g in sound]),
            "content hash": self._stage(
                decoder.content_sha256, [(p, r.value) for r, p, _ in sound]
            ),
            "drift": self._stage(AgentDrift.observe, windows),
            "gates": self._stage(stage.evaluate, [columns], len(sound)),
            "rule": self._stage(judge, cases),
            "decision id": self._stage(decision_id, [(_LOG, r, 0) for r, _, _ in sound]),
            "body": self._stage(rows.body, bodied),
            "leaf and chain hash": self._stage(_link, [(e.body,) for e in self._entries]),
            "audit entry": self._stage(self._records.audit, [(e,) for e in self._entries]),
            "all of Processor and entry": self._whole(),
        }

    def _whole(self) -> float:
        best = float("inf")
        for _ in range(max(3, self._repeats // 3)):
            processor = self._processor(self._encode)
            started = time.thread_time()
            self._process(processor)
            processor.flush()
            best = min(best, time.thread_time() - started)
        return round(best / len(self._inputs) * 1e6, 2)

    def _encode(self, leaves: Sequence[KeyedEntry]) -> None:
        for _, entry in leaves:
            self._records.audit(entry)

    def _seal(self) -> dict[str, float]:
        entries = self._entries
        values = [(self._records.audit(entry),) for entry in entries]
        state = TreeState(_LOG, EMPTY_RANGE, ZERO_HASH, 0)
        leaves, _ = check_entries(state, entries)
        _, paths = extend(EMPTY_RANGE, leaves)
        note = bytes(4_000)
        receipts = render_receipts(0, paths, note)
        pairs = list(zip(entries, receipts, strict=True))
        count = len(entries)
        return {
            "decode": self._stage(self._records.decode_audit, values),
            "check hashes": self._stage(check_entries, [(state, entries)], count),
            "tree and paths": self._stage(extend, [(EMPTY_RANGE, leaves)], count),
            "receipts": self._stage(render_receipts, [(0, paths, note)], count),
            "signed decision": self._stage(self._records.decision, pairs),
        }

    def _batch(self) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            keys = Path(folder) / "keys"
            generate_log_keys(keys)
            sign = load_log_keys(keys).checkpoint_signer(_LOG).seal
            guard = Guard(Path(folder) / "guard", _LOG)
            points = [(Checkpoint(_LOG, size, bytes(32)),) for size in range(1, 21)]
            return {
                "sign with both keys": self._stage(sign, points),
                "guard on disk (CPU)": self._stage(guard.record, points),
            }

    def _stage(
        self, work: Callable[..., object], cases: Sequence[tuple[Any, ...]], count: int = 0
    ) -> float:
        best = float("inf")
        for _ in range(self._repeats):
            started = time.thread_time()
            for case in cases:
                work(*case)
            best = min(best, time.thread_time() - started)
        return round(best / (count or len(cases)) * 1e6, 2)


def _link(body: bytes) -> bytes:
    return entry_hash(ZERO_HASH, leaf_hash(body))
