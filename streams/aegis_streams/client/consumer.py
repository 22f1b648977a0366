"""Reading decisions: each one verified before it is handed out, each other one reported.

    with VerifyingDecisionConsumer.connect(settings, group="my-pipeline") as decisions:
        for found in decisions.poll(1.0):
            if isinstance(found, VerifiedDecision) and found.proposal_id == mine["proposal_id"]:
                permission = decisions.permit(found, mine)   # raises NotPermittedError
        decisions.commit()

Nothing is skipped silently: what cannot be believed comes out as a `RefusedDecision`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    KafkaException,
    TopicPartition,
)

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.codecs import decision_decoder
from aegis_streams.client.decisions import (
    DecisionReader,
    RefusedDecision,
    VerifiedDecision,
    refused,
)
from aegis_streams.client.kafka import NO_OFFSET, open_consumer, record_of, require_kafka
from aegis_streams.client.release import Permission, ReleaseGuard
from aegis_streams.errors import UnavailableError
from aegis_streams.names import DECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from aegis_streams.client.kafka import KafkaConsumer, Record
    from aegis_streams.settings import Settings

Start = Literal["earliest", "latest"]
POLL_RECORDS: Final = 500
"""Most records of one poll."""


def wall_clock_ms() -> int:
    """Return the time, milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000


class VerifyingDecisionConsumer:
    """Hands out decisions only after their receipts were verified.

    Not for use by several threads at once.

    Args:
        kafka: A read_committed consumer that is subscribed or assigned already.
        reader: Verifies records.
        guard: Follows the logs.
        clock: The time, milliseconds since 1970; decides what has expired.
    """

    def __init__(
        self,
        kafka: KafkaConsumer,
        reader: DecisionReader,
        guard: ReleaseGuard,
        clock: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._kafka = kafka
        self._reader = reader
        self._guard = guard
        self._clock = clock

    @classmethod
    def connect(
        cls,
        settings: Settings,
        *,
        group: str | None = None,
        start: Start = "latest",
        seen: Mapping[str, int] | None = None,
    ) -> Self:
        """Return a consumer of a deployment's decisions.

        Args:
            settings: Where the deployment is, and its trust file.
            group: Consumer group whose offsets `commit` keeps; None reads all partitions.
            start: Where to begin; for a group, where it has no offsets yet.
            seen: Last index seen per log, from an earlier process.

        Raises:
            UnavailableError: Kafka does not answer, or the topic is not there.
            TrustFileError: There is no usable trust file.
        """
        kafka = open_consumer(settings.bootstrap, group, start)
        partitions = require_kafka(kafka, settings.bootstrap, DECISIONS)
        trust = load_trust(settings.trust_file)
        reader = DecisionReader(Verifier(trust), decision_decoder(settings.registry_url))
        if group is not None:
            kafka.subscribe([DECISIONS])
        else:
            first = OFFSET_BEGINNING if start == "earliest" else OFFSET_END
            kafka.assign([TopicPartition(DECISIONS, p, first) for p in range(partitions)])
        return cls(kafka, reader, ReleaseGuard(trust, seen))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kafka.close()

    @property
    def seen(self) -> Mapping[str, int]:
        """Last index seen of each log; keep it over a restart."""
        return self._guard.seen

    def poll(self, timeout: float) -> list[VerifiedDecision | RefusedDecision]:
        """Return what arrived within so many seconds, in order.

        Raises:
            UnavailableError: Kafka reports a failure that it does not repair by itself.
            CouldNotCheckError: A required algorithm is missing here.
        """
        records = map(record_of, self._kafka.consume(POLL_RECORDS, timeout))
        return [self._judge(record) for record in records if record is not None]

    def permit(self, decision: VerifiedDecision, proposal: Mapping[str, Any]) -> Permission:
        """Return the permission a decision gives now for a proposal as it was sent.

        Raises:
            NotPermittedError: It gives none; the reason is in `refusal`.
        """
        return self._guard.permit(decision, proposal, self._clock())

    def commit(self) -> None:
        """Commit the group's offsets up to what `poll` returned last.

        Raises:
            UnavailableError: Kafka did not take them; the records will come again.
        """
        try:
            self._kafka.commit(asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() == NO_OFFSET:
                return
            raise UnavailableError(f"{DECISIONS}: offsets not committed: {error}") from error

    def _judge(self, record: Record) -> VerifiedDecision | RefusedDecision:
        found = self._reader.read(record)
        if isinstance(found, VerifiedDecision):
            try:
                self._guard.follow(found)
            except NotTrustedError as error:
                return refused(error, record)
        return found
