"""What became of records that were sent: each one's leaf, and its verified decision.

Every input has exactly one leaf of ordinal 0, which names it as its cause. The leaf says whether
there is a decision, a repeat of an earlier one, or a refusal without any; the decision itself
counts only once it arrives verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from aegis_codecs.records import bodies
from aegis_streams.client.decisions import DECISION, Cause
from aegis_streams.names import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.client.decisions import VerifiedDecision
    from aegis_streams.client.producer import Delivered

Key = TypeVar("Key")
Value = TypeVar("Value")
Kind = Literal["decided", "repeated", "rejected"]
MAX_REMEMBERED: Final = 200_000
"""Leaves and decisions of other records that are remembered, the newest of each."""
REPEAT: Final = "ProposalRepeated"
REJECTED: Final = "InputRejected"


@dataclass
class Outcome:
    """What became of one record.

    Attributes:
        sent: The record, where Kafka put it.
        kind: Decided, repeated (an earlier decision holds) or rejected (no decision); None so far.
        decision_id: The decision that holds, if any.
        reason: Stable code of a rejection; empty otherwise.
        detail: A rejection in words; empty otherwise.
        decision: The decision, verified; None if there is none, or it has not been read.
    """

    sent: Delivered
    kind: Kind | None = None
    decision_id: str | None = None
    reason: str = ""
    detail: str = ""
    decision: VerifiedDecision | None = None


class OutcomeTracker:
    """Joins sent records, their leaves and their decisions, in whatever order they arrive."""

    def __init__(self) -> None:
        self._outcomes: dict[Cause, Outcome] = {}
        self._holding: dict[str, list[Outcome]] = {}
        self._leaves: dict[Cause, tuple[str, Mapping[str, Any]]] = {}
        self._decisions: dict[str, VerifiedDecision] = {}
        self._made_now: dict[str, None] = {}

    @property
    def outcomes(self) -> list[Outcome]:
        """What is known of each record, in the order of sending."""
        return list(self._outcomes.values())

    @property
    def open(self) -> list[Outcome]:
        """Records whose leaf, or whose decision made meanwhile, has not arrived."""
        return [outcome for outcome in self._outcomes.values() if self._is_open(outcome)]

    def sent(self, delivered: Delivered) -> None:
        """Note that Kafka took a record."""
        cause = Cause(PROPOSALS, delivered.partition, delivered.offset)
        outcome = self._outcomes[cause] = Outcome(delivered)
        if cause in self._leaves:
            self._answer(outcome, *self._leaves.pop(cause))

    def leaf(self, entry: AuditEntry) -> None:
        """Note a committed leaf; leaves of other causes are ignored once nothing waits for them."""
        if entry.kind not in (DECISION, REPEAT, REJECTED):
            return
        kind, fields = bodies.decode(entry.body)
        if fields["ordinal"] != 0 or fields["cause_topic"] != PROPOSALS:
            return
        cause = Cause(PROPOSALS, fields["cause_partition"], fields["cause_offset"])
        if kind == DECISION:
            _remember(self._made_now, fields["decision_id"], None)
        if cause in self._outcomes:
            self._answer(self._outcomes[cause], kind, fields)
        else:
            _remember(self._leaves, cause, (kind, fields))

    def decision(self, decision: VerifiedDecision) -> None:
        """Note a verified decision, of this or any earlier record."""
        _remember(self._decisions, decision.decision_id, decision)
        for outcome in self._holding.get(decision.decision_id, ()):
            outcome.decision = decision

    def _answer(self, outcome: Outcome, kind: str, fields: Mapping[str, Any]) -> None:
        if kind == REJECTED:
            outcome.kind = "rejected"
            outcome.reason, outcome.detail = fields["reason"], fields["detail"]
            return
        decided = kind == DECISION
        outcome.kind = "decided" if decided else "repeated"
        held: str = fields["decision_id" if decided else "effective_decision_id"]
        outcome.decision_id = held
        outcome.decision = self._decisions.get(held)
        self._holding.setdefault(held, []).append(outcome)

    def _is_open(self, outcome: Outcome) -> bool:
        if outcome.kind is None:
            return True
        awaited = outcome.kind == "decided" or outcome.decision_id in self._made_now
        return awaited and outcome.decision is None


def _remember(memory: dict[Key, Value], key: Key, value: Value) -> None:
    """Put something into a memory that forgets its oldest beyond `MAX_REMEMBERED`."""
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
