"""Acting on decisions: what has been seen of each log, and what a decision permits.

A genuine decision may still be a repeat, replaced, expired, a dry run, or about other content. A
`ReleaseGuard` follows the logs and gives a `Permission` only where none of that holds.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.records.proposals import content_sha256
from aegis_codecs.release import require_proceed
from aegis_streams.client.decisions import DECISION
from aegis_streams.client.errors import (
    DecisionFault,
    DecisionNotTrustedError,
    NotPermittedError,
    Refusal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_codecs.trust import TrustPolicy
    from aegis_streams.client.decisions import VerifiedDecision

MAX_SUPERSEDED: Final = 100_000
"""Replaced decisions remembered; the oldest is forgotten first, long after it expired."""
ENFORCE: Final = "enforce"


@dataclass(frozen=True, slots=True)
class Permission:
    """One proposal may be carried out, until a moment.

    Attributes:
        proposal_id: The proposal.
        agent_id: Its agent.
        decision_id: The decision that permits it.
        content_sha256: Hash of exactly the content that is permitted.
        valid_until: Until when, milliseconds since 1970.
        constraints: Codes of the conditions under which it holds.
    """

    proposal_id: str
    agent_id: str
    decision_id: str
    content_sha256: bytes
    valid_until: int
    constraints: tuple[str, ...]


class ReleaseGuard:
    """Follows the logs and decides what may be acted on.

    Show it every verified decision in the order of reading (`follow`), then ask.

    Args:
        trust: Gives the order of epochs.
        seen: Last index seen per log, from `seen` of an earlier process; empty to begin anew.
    """

    def __init__(self, trust: TrustPolicy, seen: Mapping[str, int] | None = None) -> None:
        self._trust = trust
        self._seen = dict(seen or {})
        self._newest: dict[str, int] = {}
        self._superseded: OrderedDict[str, str] = OrderedDict()
        for origin in self._seen:
            self._enter_epoch(origin)

    @property
    def seen(self) -> Mapping[str, int]:
        """Last index seen of each log; keep it over a restart."""
        return dict(self._seen)

    def follow(self, decision: VerifiedDecision) -> None:
        """Take note of a decision that was just read.

        Raises:
            DecisionNotTrustedError: `older_than_last_seen`: its leaf, or its epoch, comes before
                one that was seen.
        """
        leaf = decision.leaf
        last = self._seen.get(leaf.origin, -1)
        if leaf.index <= last or not self._enter_epoch(leaf.origin):
            raise DecisionNotTrustedError(
                DecisionFault.OLDER_THAN_SEEN,
                f"{leaf.origin}: leaf {leaf.index} comes again after leaf {last}, or after a later "
                "epoch; a decision is acted on when it is first read",
            )
        self._seen[leaf.origin] = leaf.index
        former = decision.fields["supersedes"]
        if former is not None:
            self._superseded[str(former)] = decision.decision_id
            if len(self._superseded) > MAX_SUPERSEDED:
                self._superseded.popitem(last=False)

    def permit(
        self, decision: VerifiedDecision, proposal: Mapping[str, Any], now_ms: int
    ) -> Permission:
        """Return the permission a decision gives for a proposal as it was sent.

        Args:
            decision: A verified decision.
            proposal: The whole proposal, every field, as it was submitted.
            now_ms: The time, milliseconds since 1970.

        Raises:
            NotPermittedError: It gives none; the reason is in `refusal`.
        """
        fields = decision.fields
        content = content_sha256(proposal)
        if fields["content_sha256"] != content:
            raise NotPermittedError(
                Refusal.OTHER_CONTENT,
                f"decision {decision.decision_id} is about other content than this proposal; "
                "somebody else used the id, or the proposal was changed after it was sent",
            )
        if fields["mode"] != ENFORCE:
            raise NotPermittedError(
                Refusal.NOT_ENFORCED, f"decided in mode {fields['mode']!r}: advice, no permission"
            )
        later = self._superseded.get(decision.decision_id)
        if later is not None:
            raise NotPermittedError(Refusal.SUPERSEDED, f"replaced by decision {later}")
        try:
            require_proceed(DECISION, fields, now_ms)
        except NotTrustedError as error:
            raise NotPermittedError(Refusal.NOT_RELEASED, str(error)) from error
        return Permission(
            proposal_id=decision.proposal_id,
            agent_id=decision.agent_id,
            decision_id=decision.decision_id,
            content_sha256=content,
            valid_until=fields["valid_until"],
            constraints=tuple(fields["constraints"]),
        )

    def _enter_epoch(self, origin: str) -> bool:
        """Note the epoch of a log; return False if a later one of the same partition was seen."""
        deployment, *_, partition = origin.split("/")
        order = self._trust.log(origin).order
        lineage = f"{deployment}/{partition}"
        newest = max(order, self._newest.get(lineage, 0))
        self._newest[lineage] = newest
        return order == newest
