"""Reading decisions: each one verified before it is handed out, each other one reported.

    with VerifyingDecisionConsumer.connect(settings, group="my-pipeline") as decisions:
        for found in decisions.poll(1.0):
            if isinstance(found, VerifiedDecision) and found.proposal_id == mine["proposal_id"]:
                permission = decisions.permit(found, mine)   # raises NotPermittedError
        decisions.commit()

Nothing is skipped silently: what cannot be believed comes out as a `RefusedDecision`, what cannot
be judged now stays and comes again, and only what was handed out is committed.
"""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

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
from aegis_streams.client.kafka import NO_SUCH_OFFSET, open_consumer, record_of, require_kafka
from aegis_streams.client.positions import (
    Start,
    commit_offsets,
    position_lost,
    settle_group,
    start_positions,
)
from aegis_streams.client.release import Permission, ReleaseGuard
from aegis_streams.client.steady import SteadyConsumer
from aegis_streams.errors import UnavailableError
from aegis_streams.names import DECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from confluent_kafka import Message

    from aegis_streams.client.kafka import KafkaConsumer, Record
    from aegis_streams.settings import Settings

POLL_RECORDS: Final = 500
"""Most records of one poll."""
JOIN_SECONDS: Final = 60.0
"""How long a new group may take to admit its first member."""
_JOIN_STEP: Final = 0.1


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
        self._waiting: deque[Message] = deque()
        self._judged: deque[tuple[Record, VerifiedDecision | RefusedDecision]] = deque()
        self._handed_out: dict[int, int] = {}
        self._joined = False

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

        Where it begins is settled before this returns: what is submitted afterwards will be seen.

        Args:
            settings: Where the deployment is, and its trust file.
            group: Consumer group whose offsets `commit` keeps; None reads all partitions.
            start: Where to begin; for a group, where it has no offsets yet.
            seen: Last index seen per log, from an earlier process.

        Raises:
            UnavailableError: Kafka does not answer, or the topic is not there.
            RegistryUnreachableError: The registry does not answer.
            TrustFileError: There is no usable trust file.
            PositionLostError: Where the group stopped is gone; says what to do.
        """
        reopen = partial(open_consumer, settings.bootstrap, group, reports_ends=True)
        kafka = reopen()
        steady = SteadyConsumer(kafka, reopen, DECISIONS)
        try:
            partitions = require_kafka(kafka, settings.bootstrap, DECISIONS)
            trust = load_trust(settings.trust_file)
            reader = DecisionReader(Verifier(trust), decision_decoder(settings.registry_url))
            made = cls(steady, reader, ReleaseGuard(trust, seen))
            if group is None:
                steady.assign(start_positions(kafka, DECISIONS, range(partitions), start))
            elif settle_group(kafka, DECISIONS, partitions, start, been_here=bool(seen)):
                steady.subscribe(made._assigned, made._revoked)
                made._join(group)
            else:
                steady.subscribe(made._assigned, made._revoked)
        except BaseException:
            steady.close()
            raise
        return made

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

        What cannot be judged now stays, and comes first when this is called again; what was judged
        before it is returned. So nothing is lost however often this raises.

        Raises:
            UnavailableError: Kafka reports a failure that it does not repair by itself.
            PositionLostError: The position was deleted before it was read; says what to do.
            RegistryUnreachableError: A schema that came up meanwhile cannot be had now.
            CouldNotCheckError: A required algorithm is missing here.
        """
        if not self._waiting and not self._judged:
            self._waiting.extend(self._kafka.consume(POLL_RECORDS, timeout))
        try:
            self._judge_waiting()
        except Exception:
            if not self._judged:
                raise
        found = []
        while self._judged:
            record, judged = self._judged.popleft()
            self._handed_out[record.partition] = record.offset + 1
            found.append(judged)
        return found

    def permit(self, decision: VerifiedDecision, proposal: Mapping[str, Any]) -> Permission:
        """Return the permission a decision gives now for a proposal as it was sent.

        Raises:
            NotPermittedError: It gives none; the reason is in `refusal`.
        """
        return self._guard.permit(decision, proposal, self._clock())

    def commit(self) -> None:
        """Commit the group's offsets up to what `poll` handed out last, and not beyond.

        Raises:
            UnavailableError: Kafka did not take them; the records will come again.
        """
        if not self._handed_out:
            return
        offsets = [TopicPartition(DECISIONS, *place) for place in self._handed_out.items()]
        try:
            commit_offsets(self._kafka, DECISIONS, offsets)
        except KafkaException as error:
            raise UnavailableError(f"{DECISIONS}: offsets not committed: {error}") from error
        self._handed_out.clear()

    def _judge_waiting(self) -> None:
        """Judge what waits; a message leaves the queue once it was judged, has passed or was told.

        A position that is not there is told for ever: its partition is not fetched any more.
        """
        while self._waiting:
            message = self._waiting[0]
            error = message.error()
            if error is not None and error.code() == NO_SUCH_OFFSET:
                raise position_lost(DECISIONS, message.partition() or 0, "the next offset is due")
            try:
                record = record_of(message)
            except UnavailableError:
                if not self._judged:
                    self._waiting.popleft()
                raise
            if record is not None:
                self._judged.append((record, self._judge(record)))
            self._waiting.popleft()

    def _judge(self, record: Record) -> VerifiedDecision | RefusedDecision:
        found = self._reader.read(record)
        if isinstance(found, VerifiedDecision):
            try:
                self._guard.follow(found)
            except NotTrustedError as error:
                return refused(error, record)
        return found

    def _join(self, group: str) -> None:
        """Wait until the group has this member: then nobody else can move its start."""
        deadline = time.monotonic() + JOIN_SECONDS
        while not self._joined:
            self._waiting.extend(self._kafka.consume(POLL_RECORDS, _JOIN_STEP))
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{DECISIONS}: group {group} has admitted no member for {JOIN_SECONDS:.0f} s; "
                    "is Kafka up? `aegis status` shows it"
                )

    def _assigned(self, _kafka: Consumer, _partitions: Iterable[TopicPartition]) -> None:
        self._joined = True

    def _revoked(self, _kafka: Consumer, partitions: Iterable[TopicPartition]) -> None:
        """Forget what was read of partitions that somebody else will read on from the commit."""
        gone = {each.partition for each in partitions}
        self._waiting = deque(each for each in self._waiting if each.partition() not in gone)
        self._judged = deque(each for each in self._judged if each[0].partition not in gone)
        for partition in gone:
            self._handed_out.pop(partition, None)
