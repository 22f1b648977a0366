"""Where reading begins, settled as explicit offsets before anything is sent.

Kafka settles "the end" only when a partition is first fetched, which may be after one's own
proposal was decided; and it moves a group whose position was deleted to another one in silence.
Neither may happen here: a new group's start is committed at once, and what is lost is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from aegis_streams.client.errors import PositionLostError
from aegis_streams.client.kafka import ANSWER_SECONDS, Bounded, OffsetCommitter
from aegis_streams.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Start = Literal["earliest", "latest"]
_OTHERS_ARE_IN: Final = frozenset(
    (
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.REBALANCE_IN_PROGRESS,
    )
)
"""What a commit from outside is answered while a group has members."""
WHAT_TO_DO: Final = (
    "Decisions stay on the topic for 7 days; those that were missed are in the audit log "
    "(PostgreSQL, `aegis receipt`). To go on with what is left, set the group's offsets with "
    "Kafka's own tool: kafka-consumer-groups.sh --reset-offsets --to-earliest"
)
"""Ending of messages about lost positions."""


class OffsetKeeper(OffsetCommitter, Bounded, Protocol):
    """The part of a Kafka consumer that knows offsets."""

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """Return the group's offsets, negative where it has none."""


def start_positions(
    kafka: OffsetKeeper, topic: str, partitions: Iterable[int], start: Start
) -> list[TopicPartition]:
    """Return where a reader begins that belongs to no group.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    found = []
    for partition in partitions:
        low, high = bounds(kafka, topic, partition)
        found.append(TopicPartition(topic, partition, low if start == "earliest" else high))
    return found


def settle_group(
    kafka: OffsetKeeper, topic: str, partitions: int, start: Start, *, been_here: bool
) -> bool:
    """Give a new group its start; return whether it was new.

    A group that has offsets in some partitions only begins the others at their beginning.

    Args:
        kafka: A consumer of the group that has not subscribed yet.
        topic: What it will read.
        partitions: How many there are.
        start: Where a new group begins.
        been_here: Whether the caller knows that the group is not new.

    Raises:
        PositionLostError: The group was here before and where it stopped is unknown or deleted.
        UnavailableError: Kafka does not answer, or did not take the start.
    """
    stopped = _committed(kafka, topic, partitions)
    without = [each.partition for each in stopped if each.offset < 0]
    is_new = len(without) == partitions
    if is_new and been_here:
        raise PositionLostError(
            f"{topic}: the group has no offsets, and it has been here before: the broker deleted "
            f"them (offsets.retention.minutes) or its name was changed. {WHAT_TO_DO}"
        )
    for each in stopped:
        if 0 <= each.offset < bounds(kafka, topic, each.partition)[0]:
            raise position_lost(topic, each.partition, f"the group stopped at {each.offset}")
    if not without:
        return False
    first = start_positions(kafka, topic, without, start if is_new else "earliest")
    try:
        commit_offsets(kafka, topic, first)
    except KafkaException as error:
        if error.args[0].code() not in _OTHERS_ARE_IN:
            raise UnavailableError(f"{topic}: start of the group not kept: {error}") from error
        if any(each.offset < 0 for each in _committed(kafka, topic, partitions)):
            raise UnavailableError(
                f"{topic}: members of the group have no offsets in every partition and let nobody "
                "set them; stop them, or use another group"
            ) from error
        return False
    return is_new


def commit_offsets(kafka: OffsetCommitter, topic: str, offsets: Sequence[TopicPartition]) -> None:
    """Commit offsets, all of them.

    Raises:
        KafkaException: Kafka did not take one of them.
    """
    for each in kafka.commit(offsets=list(offsets), asynchronous=False):
        if each.error is not None and each.topic == topic:
            raise KafkaException(each.error)


def position_lost(topic: str, partition: int, where: str) -> PositionLostError:
    """Return the error for a position that the topic does not have any more."""
    return PositionLostError(f"{topic}[{partition}]: {where}, and that is gone. {WHAT_TO_DO}")


def _committed(kafka: OffsetKeeper, topic: str, partitions: int) -> list[TopicPartition]:
    wanted = [TopicPartition(topic, number) for number in range(partitions)]
    try:
        found = kafka.committed(wanted, timeout=ANSWER_SECONDS)
    except KafkaException as error:
        raise UnavailableError(f"{topic}: offsets of the group: no answer: {error}") from error
    for each in found:
        if each.error is not None:
            raise UnavailableError(f"{topic}: offsets of the group: {each.error}")
    return list(found)


def bounds(
    kafka: Bounded, topic: str, partition: int, timeout: float = ANSWER_SECONDS
) -> tuple[int, int]:
    """Return the first and the next committed offset of a partition.

    Raises:
        UnavailableError: Kafka does not answer within `timeout` seconds.
    """
    try:
        found = kafka.get_watermark_offsets(TopicPartition(topic, partition), timeout=timeout)
    except KafkaException as error:
        raise UnavailableError(f"{topic}[{partition}]: no answer from Kafka: {error}") from error
    if found is None:
        raise UnavailableError(f"{topic}[{partition}]: Kafka did not say where it ends")
    return found
