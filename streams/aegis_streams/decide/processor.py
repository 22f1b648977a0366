"""One partition, one input at a time: check, remember, evaluate, append. No clock, no I/O.

Everything here is a function of the input record and the state that the leaves before it left
(the tables), so evaluating the same inputs in leaf order gives the same bytes (ADR 0007).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.records.audit import Columns
from aegis_codecs.records.proposals import content_sha256
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators import evaluator
from aegis_streams.decide.admission import Admission, Refusal
from aegis_streams.decide.agents import AgentWindows
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.decide.horizon import Horizon, KeyValue, Seen, proposal_key
from aegis_streams.decide.identity import InputRecord, decision_id
from aegis_streams.decide.leaves import LeafSink, LogWriter
from aegis_streams.decide.verdicts import DecisionRows, Leaf, RefusedFields, refused_fields
from aegis_streams.errors import ContinuityError
from aegis_streams.names import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_codecs.records.proposals import Proposal, ProposalDecoder
    from aegis_governance.drift import DriftChange
    from aegis_governance.gates import GateInputs


MAX_DETAIL: Final = 500
"""Characters of an exception's text in a dead letter."""


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

    Call `process` for each input, then `flush` before the batch is committed. After a batch was
    undone the object is stale: make a new one from the tables.

    Args:
        partition: Number of the partition.
        tables: Its tables as the last committed batch left them.
        decoder: Decodes proposals with the schemas known so far.
        leaf: Takes each leaf, in order.
        dead_letter: Takes each refused input, after its leaf.

    Raises:
        ContinuityError: The tables hold no head, or parameters that do not match it.
    """

    def __init__(
        self,
        partition: int,
        tables: Tables,
        decoder: ProposalDecoder,
        leaf: LeafSink,
        dead_letter: Callable[[DeadLetter], None],
    ) -> None:
        self._tables = tables
        self.head, self.config = load_head(tables.heads)
        self._evaluator = evaluator(self.head.evaluator, self.config)
        self._admission = Admission(decoder, partition, self.head.partitions)
        self._horizon = Horizon(tables.proposals, self.config.horizon_ms, self.config.horizon_count)
        self._agents = AgentWindows(tables.drift, self.config)
        self._log = LogWriter(self.head, leaf)
        self._dead_letter = dead_letter
        self._rows = DecisionRows(partition, self.head, self.config)

    @property
    def remembered(self) -> int:
        """Proposal ids remembered now."""
        return self._horizon.count

    def process(self, record: InputRecord) -> None:
        """Append the leaves of one input.

        Raises:
            SchemaNotCachedError: Nothing happened; fetch the schema and call again.
            ContinuityError: The input is not the next one of its topic.
        """
        head = self.head
        if head.offsets.get(record.topic, -1) > record.offset:
            raise ContinuityError(
                f"{record.topic}[{record.partition}]: offset {record.offset} was already decided; "
                f"the next is {head.offsets.get(record.topic)}"
            )
        checked = self._check(record)
        head.offsets[record.topic] = record.offset + 1
        head.leaf_time = max(head.leaf_time, record.timestamp)
        self._horizon.expire(head.leaf_time)
        if isinstance(checked, Refusal):
            self._refuse(record, checked)
        else:
            self._propose(record, *checked)

    def flush(self) -> None:
        """Write head and touched windows to the tables, at the end of a batch."""
        self._tables.heads.put(HEAD_KEY, self.head.to_bytes())
        self._agents.flush()

    def _check(self, record: InputRecord) -> tuple[Proposal, GateInputs] | Refusal:
        if record.topic == COMMANDS:
            return Refusal(
                "command_unsupported",
                "kind: this version takes no commands; parameters come from genesis",
            )
        return self._admission.check(record)

    def _propose(self, record: InputRecord, proposal: Proposal, inputs: GateInputs) -> None:
        content = content_sha256(proposal)
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
            identity = self._evaluate(record, proposal, inputs, content)
            self._horizon.remember(key, Seen(self.head.leaf_time, content, identity, identity))

    def _evaluate(
        self, record: InputRecord, proposal: Proposal, inputs: GateInputs, content: bytes
    ) -> str:
        head, agent_id = self.head, proposal["agent_id"]
        observed = self._agents.observe(agent_id, inputs)
        try:
            verdict = self._evaluator.evaluate(inputs, agent_id, observed)
        except (MemoryError, RecursionError):
            raise
        except Exception as error:  # noqa: BLE001 - rules 7: a HALT, not a stop
            self._agents.take_back(agent_id, inputs)
            return self._not_evaluated(record, proposal, content, error)
        identity = decision_id(head.log, record, 0)
        time, proposal_id = head.leaf_time, proposal["proposal_id"]
        leaf = Leaf(record, time, identity)
        body = self._rows.body(leaf, proposal, (content, verdict, observed))
        status = verdict.status._value_
        found = Columns("DecisionMade", time, agent_id, proposal_id, identity, status, None)
        self._log.append_body(record.key, body, found)
        for ordinal, change in enumerate(observed.changes, start=1):
            self._drift_changed(record, ordinal, agent_id, change)
        return identity

    def _not_evaluated(
        self, record: InputRecord, proposal: Proposal, content: bytes, error: Exception
    ) -> str:
        reason = "evaluation_error"
        detail = f"evaluator {self.head.evaluator} raised {type(error).__name__}"
        refused = RefusedFields(
            reason, detail, proposal["agent_id"], proposal["proposal_id"], content
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
            "table heads: empty; run `aegis topics ensure` on a new deployment, or rebuild the "
            "tables from the log if this one was in use"
        )
    head = Head.from_bytes(head_bytes)
    if hashlib.sha256(parameters).digest() != head.parameters_sha256:
        raise ContinuityError(
            "table heads: the parameters do not have the hash that the head names; rebuild the "
            "tables from the log"
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
