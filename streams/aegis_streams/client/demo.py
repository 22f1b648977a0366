"""Sending a set of proposals and waiting until each has its answer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.records.proposals import JSON_CONTENT_TYPE as JSON
from aegis_streams.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aegis_streams.client.decisions import RefusedDecision, VerifiedDecision
    from aegis_streams.client.feed import OutcomeFeed
    from aegis_streams.client.outcomes import Outcome, OutcomeTracker
    from aegis_streams.client.producer import ProposalProducer
    from aegis_streams.sources.edge_cases import EdgeCase

QUIET_SECONDS: Final = 60.0
"""Waiting ends when nothing was answered for so long."""
POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Answer:
    """A proposal and what came of it.

    Attributes:
        title: What to call it.
        outcome: What became of it.
        expect: What had to come of it, such as ``halt gate_failed``; empty for real proposals.
    """

    title: str
    outcome: Outcome
    expect: str = ""

    @property
    def result(self) -> str:
        """Status and reason as `expect` spells them; ``repeated`` if an earlier decision holds."""
        outcome = self.outcome
        if outcome.kind == "decided" and outcome.decision is not None:
            return f"{outcome.decision.status} {outcome.decision.reason}"
        return f"rejected {outcome.reason}" if outcome.kind == "rejected" else "repeated"

    @property
    def as_expected(self) -> bool:
        """Whether it came out as it had to; always for real proposals."""
        return not self.expect or self.result == self.expect


@dataclass(frozen=True)
class DemoResult:
    """Answers to everything that was sent.

    Attributes:
        changes: Of the repository's changes, oldest first.
        cases: Of the edge cases, in their order.
        refused: Records of the decisions topic that must not be believed.
    """

    changes: Sequence[Answer]
    cases: Sequence[Answer]
    refused: Sequence[RefusedDecision]


class Demo:
    """Sends proposals and waits for what becomes of them.

    Args:
        producer: Reports its deliveries to `tracker`.
        feed: Opened before anything is sent, so that nothing is missed.
        tracker: Joins what was sent and what came.
        past: Yields decisions of long ago, verified, by ids with their partitions.
        progress: Told what is going on.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        producer: ProposalProducer,
        feed: OutcomeFeed,
        tracker: OutcomeTracker,
        *,
        past: Callable[[Mapping[str, int]], Iterable[VerifiedDecision]],
        progress: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._producer = producer
        self._feed = feed
        self._tracker = tracker
        self._past = past
        self._progress = progress
        self._clock = clock

    def run(self, changes: Iterable[Mapping[str, Any]], cases: Sequence[EdgeCase]) -> DemoResult:
        """Send everything and return once each is answered.

        Args:
            changes: Proposals, checked and sent as Avro.
            cases: Edge cases, sent as JSON as they are, wrong or not.

        Raises:
            UnavailableError: Nothing more is answered; says where to look.
            DeliveryError: Kafka did not take something.
        """
        titles = self._send(changes, cases)
        self._wait()
        self._look_back()
        answered = {outcome.sent.label: outcome for outcome in self._tracker.outcomes}
        return DemoResult(
            [Answer(title, answered[label]) for label, title in titles.items()],
            [Answer(case.name, answered[case.name], case.expect) for case in cases],
            self._feed.refused,
        )

    def _send(
        self, changes: Iterable[Mapping[str, Any]], cases: Sequence[EdgeCase]
    ) -> dict[str, str]:
        """Send everything, wait for its delivery, and return titles by label of the changes."""
        titles = {}
        for proposal in changes:
            titles[proposal["proposal_id"]] = proposal["proposal_summary"]
            self._producer.submit(proposal)
            self._progress(f"{self._producer.sent} proposals sent")
        for case in cases:
            self._producer.send(case.agent_id, case.value, label=case.name, content_type=JSON)
        self._producer.flush()
        return titles

    def _wait(self) -> None:
        total = len(self._tracker.outcomes)
        before, since = -1, self._clock()
        while (waiting := len(self._tracker.open)) or not self._feed.caught_up:
            self._progress(f"{total - waiting} of {total} proposals answered")
            if waiting != before:
                before, since = waiting, self._clock()
            elif self._clock() - since > QUIET_SECONDS:
                raise UnavailableError(
                    f"{waiting} of {total} proposals have no decision after {QUIET_SECONDS:.0f} "
                    "s; `aegis status` shows whether decider and sealer run"
                )
            self._feed.poll(POLL_SECONDS)

    def _look_back(self) -> None:
        """Find the decisions of repeated proposals that lie before what the feed has read."""
        wanted = {
            outcome.decision_id: outcome.sent.partition
            for outcome in self._tracker.outcomes
            if outcome.decision_id is not None and outcome.decision is None
        }
        if wanted:
            self._progress(f"looking for {len(wanted)} decisions of long ago")
        for decision in self._past(wanted):
            self._tracker.decision(decision)
