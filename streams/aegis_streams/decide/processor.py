"""One partition, its inputs in order: check, gates, state, leaves. No clock, no I/O.

Everything here is a function of the input record and the state that the leaves before it left
(the tables), so evaluating the same inputs in leaf order gives the same bytes (ADR 0007).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.records.audit import Columns
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators import evaluator
from aegis_streams.decide.admission import Admission, Admitted, Refusal
from aegis_streams.decide.agents import AgentWindows
from aegis_streams.decide.gates import GatesFound, GateStage
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.decide.horizon import Horizon, KeyValue, Seen, proposal_key
from aegis_streams.decide.identity import InputRecord, decision_id
from aegis_streams.decide.leaves import LeafSink, LogWriter
from aegis_streams.decide.tally import Tally
from aegis_streams.decide.verdicts import DecisionRows, Made, RefusedFields, refused_fields
from aegis_streams.errors import LOST_STATE, ContinuityError
from aegis_streams.names import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aegis_codecs.records.proposals import ProposalDecoder
    from aegis_governance.drift import DriftChange

Checked = Admitted | Refusal
Judged = GatesFound | Exception

MAX_DETAIL: Final = 500
"""Characters of an exception's text in a dead letter."""
_UNSUPPORTED: Final = Refusal(
    "command_unsupported", "kind: this version takes no commands; parameters come from genesis"
)


class Tables(NamedTuple):
    """The tables of one partition."""

    heads: KeyValue
    drift: KeyValue
    proposals: KeyValue


class DeadLetter(NamedTuple):
    """A refused input, kept with its reason beside the leaf that refuses it."""

    record: InputRecord
    reason: str
    detail: str
    log: str
    sequence: int


class Processor:
    """Evaluates the inputs of one partition in order.

    Call `process` for the inputs, in order and in as many calls as is convenient, then `flush`
    before the batch is committed; where the calls are cut changes no byte. After a batch was undone
    the object is stale: make a new one from the tables.

    Args:
        partition: Number of the partition.
        tables: Its tables as the last committed batch left them.
        decoder: Decodes proposals with the schemas known so far.
        leaves: Takes the leaves of each call, in order.
        dead_letter: Takes each refused input, with the sequence of its leaf.

    Raises:
        ContinuityError: The tables hold no head, or parameters that do not match it.
    """

    def __init__(
        self,
        partition: int,
        tables: Tables,
        decoder: ProposalDecoder,
        leaves: LeafSink,
        dead_letter: Callable[[DeadLetter], None],
    ) -> None:
        self._tables = tables
        self.tally: Final = Tally()
        self.head, self.config = load_head(tables.heads)
        self._evaluator = evaluator(self.head.evaluator, self.config)
        self._stage = GateStage(self._evaluator)
        self._admission = Admission(decoder, partition, self.head.partitions)
        self._horizon = Horizon(tables.proposals, self.config.horizon_ms, self.config.horizon_count)
        self._agents = AgentWindows(tables.drift, self.config)
        self._log = LogWriter(self.head, leaves)
        self._dead_letter = dead_letter
        self._rows = DecisionRows(partition, self.head, self.config)

    @property
    def remembered(self) -> int:
        """Proposal ids remembered now."""
        return self._horizon.count

    def process(self, records: Sequence[InputRecord]) -> None:
        """Append the leaves of some inputs, stage by stage.

        Raises:
            SchemaNotCachedError: Nothing happened; fetch the schema and call again.
            ContinuityError: An input is not the next one of its topic.
        """
        # Stage 1: checks and content hashes, which no state is needed for.
        checked = self._check(records)
        # Stage 2: gates.
        gates = self._gates(checked)
        # Stage 3: state, in order: time, horizon, windows, rule.
        for record, found in zip(records, checked, strict=True):
            self._take(record, found, gates)
        # Stage 4: bodies, chain, entries.
        self._log.write()

    def _take(self, record: InputRecord, found: Checked, gates: Iterator[Judged]) -> None:
        head = self.head
        if head.offsets.get(record.topic, -1) > record.offset:
            raise ContinuityError(
                f"{record.topic}[{record.partition}]: offset {record.offset} was already decided; "
                f"the next is {head.offsets.get(record.topic)}"
            )
        head.offsets[record.topic] = record.offset + 1
        head.leaf_time = max(head.leaf_time, record.timestamp)
        self._horizon.expire(head.leaf_time)
        if isinstance(found, Refusal):
            self._refuse(record, found)
        else:
            self._propose(record, found, next(gates))

    def flush(self) -> None:
        """Write head and touched windows to the tables, at the end of a batch."""
        self._tables.heads.put(HEAD_KEY, self.head.to_bytes())
        self._agents.flush()

    def _check(self, records: Sequence[InputRecord]) -> list[Checked]:
        if all(record.topic == PROPOSALS for record in records):
            return self._admission.check(records)
        proposals = iter(self._admission.check([r for r in records if r.topic == PROPOSALS]))
        return [next(proposals) if r.topic == PROPOSALS else _UNSUPPORTED for r in records]

    def _gates(self, checked: Sequence[Checked]) -> Iterator[Judged]:
        """What the gates find about each faultless proposal."""
        sound = [found for found in checked if isinstance(found, Admitted)]
        return iter(
            self._stage.evaluate(
                [found.inputs for found in sound], [found.proposal["agent_id"] for found in sound]
            )
        )

    def _propose(self, record: InputRecord, found: Admitted, gates: Judged) -> None:
        proposal, content = found.proposal, found.content
        agent_id, proposal_id = proposal["agent_id"], proposal["proposal_id"]
        key = proposal_key(agent_id, proposal_id)
        seen = self._horizon.find(key)
        if seen is not None and seen.content_sha256 == content:
            self._repeat(record, agent_id, proposal_id, seen)
        elif seen is not None or self._horizon.full:
            reason, detail = _unusable(seen, self._horizon.count)
            refused = RefusedFields(reason, detail, agent_id, proposal_id, content)
            self._decide(record, refused_fields(refused, proposal))
        else:
            if isinstance(gates, Exception):
                identity = self._not_evaluated(record, found, gates)
            else:
                identity = self._evaluate(record, found, gates)
            self._horizon.remember(key, Seen(self.head.leaf_time, content, identity, identity))

    def _evaluate(self, record: InputRecord, found: Admitted, gates: GatesFound) -> str:
        proposal, inputs, content = found
        head, agent_id = self.head, proposal["agent_id"]
        observed = self._agents.observe(agent_id, inputs)
        try:
            verdict = self._evaluator.judge(inputs, gates.failing, observed)
        except (MemoryError, RecursionError):
            raise
        except Exception as error:  # noqa: BLE001 - rules 7: a HALT, not a stop
            self._agents.take_back(agent_id, inputs)
            return self._not_evaluated(record, found, error)
        self.tally.add(inputs, gates, observed)
        identity = decision_id(head.log, record, 0)
        time, proposal_id = head.leaf_time, proposal["proposal_id"]
        status = verdict.status._value_
        columns = Columns("DecisionMade", time, agent_id, proposal_id, identity, status, None)
        made = Made(record, time, identity, proposal, content, gates, verdict, observed)
        self._log.append_later(record.key, columns, self._rows.body, made)
        for ordinal, change in enumerate(observed.changes, start=1):
            self._drift_changed(record, ordinal, agent_id, change)
        return identity

    def _not_evaluated(self, record: InputRecord, found: Admitted, error: Exception) -> str:
        reason, proposal = "evaluation_error", found.proposal
        detail = f"evaluator {self.head.evaluator} raised {type(error).__name__}"
        refused = RefusedFields(
            reason, detail, proposal["agent_id"], proposal["proposal_id"], found.content
        )
        identity, sequence = self._decide(record, refused_fields(refused, proposal))
        said = f"{detail}: {error}"[:MAX_DETAIL]  # its words may differ between versions
        self._dead_letter(DeadLetter(record, reason, said, self.head.log, sequence))
        return identity

    def _refuse(self, record: InputRecord, refusal: Refusal) -> None:
        reason, detail, agent_id, proposal_id, decidable = refusal
        if decidable:
            content = hashlib.sha256(record.value or b"").digest()
            key = proposal_key(agent_id, proposal_id)
            seen = self._horizon.find(key)
            if seen is not None and seen.content_sha256 == content:
                self._repeat(record, agent_id, proposal_id, seen)
                return
            fields = refused_fields(RefusedFields(reason, detail, agent_id, proposal_id), None)
            identity, sequence = self._decide(record, fields)
            if seen is None and not self._horizon.full:
                self._horizon.remember(key, Seen(self.head.leaf_time, content, identity, identity))
        else:
            rejected = {
                **self._cause(record),
                "reason": reason,
                "detail": detail,
                "agent_id": agent_id,
                "proposal_id": proposal_id,
                "value_length": len(record.value or b""),
            }
            sequence = self._log.append(record.key, "InputRejected", rejected)
        self._dead_letter(DeadLetter(record, reason, detail, self.head.log, sequence))

    def _decide(self, record: InputRecord, fields: dict[str, object]) -> tuple[str, int]:
        head = self.head
        identity = decision_id(head.log, record, 0)
        fields.update(self._cause(record))
        fields["decision_id"] = identity
        fields["mode"] = self.config.mode
        fields["parameters_sha256"] = head.parameters_sha256
        fields["evaluator"] = head.evaluator
        return identity, self._log.append(record.key, "DecisionMade", fields)

    def _repeat(
        self,
        record: InputRecord,
        agent_id: str,
        proposal_id: str,
        seen: Seen,
    ) -> None:
        repeated = {
            **self._cause(record),
            "agent_id": agent_id,
            "proposal_id": proposal_id,
            "content_sha256": seen.content_sha256,
            "first_decision_id": seen.first,
            "effective_decision_id": seen.effective,
        }
        self._log.append(record.key, "ProposalRepeated", repeated)

    def _drift_changed(
        self, record: InputRecord, ordinal: int, agent_id: str, change: DriftChange
    ) -> None:
        changed = {
            **self._cause(record, ordinal),
            "agent_id": agent_id,
            "feature": change.feature,
            "former": change.former.value,
            "status": change.status.value,
            "divergence": change.divergence,
            "count": change.size,
            "baseline_id": change.baseline_id,
        }
        self._log.append(record.key, "DriftChanged", changed)
        self.tally.moved(change)

    def _cause(self, record: InputRecord, ordinal: int = 0) -> dict[str, object]:
        return {
            "cause_topic": record.topic,
            "cause_partition": record.partition,
            "cause_offset": record.offset,
            "cause_timestamp": record.timestamp,
            "cause_sha256": hashlib.sha256(record.value or b"").digest(),
            "ordinal": ordinal,
            "leaf_time": self.head.leaf_time,
        }


def load_head(heads: KeyValue) -> tuple[Head, AegisConfig]:
    """Return the head of a partition and its active parameters.

    Raises:
        ContinuityError: There is no head, or the parameters do not match its hash.
    """
    head_bytes, parameters = heads.get(HEAD_KEY), heads.get(PARAMETERS_KEY)
    if head_bytes is None or parameters is None:
        raise ContinuityError(
            "table heads: empty; run `aegis topics ensure` on a new deployment; if this one was "
            f"in use, see {LOST_STATE}"
        )
    head = Head.from_bytes(head_bytes)
    if hashlib.sha256(parameters).digest() != head.parameters_sha256:
        raise ContinuityError(
            "table heads: the parameters do not have the hash that the head names; see "
            f"{LOST_STATE}"
        )
    return head, AegisConfig.from_bytes(parameters)


def _unusable(seen: Seen | None, count: int) -> tuple[str, str]:
    if seen is not None:
        return (
            "duplicate_id",
            f"proposal_id: already used by other content, decided as {seen.first}; use a new id",
        )
    detail = (
        f"proposal_id: {count} ids are remembered, which is the limit; wait for the horizon to "
        "pass or raise horizon_count by an approved parameter change"
    )
    return "horizon_full", detail
