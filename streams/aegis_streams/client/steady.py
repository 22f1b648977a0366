"""A consumer that is made anew when it stands still.

A broker that has just started may answer for a moment without knowing its topics. A consumer that
hears this may read nothing ever after, and reports nothing (librdkafka #4804, #5153). So what was
reached is compared from time to time with where the partitions end. A broker that does not answer
proves nothing.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final, Literal, Protocol

from confluent_kafka import KafkaException, TopicPartition

from aegis_streams.client.kafka import Bounded, KafkaConsumer, is_end
from aegis_streams.client.positions import bounds
from aegis_streams.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from confluent_kafka import Consumer, Message

    Change = Callable[[Consumer, list[TopicPartition]], None]

LOOK_SECONDS: Final = 15.0
"""Between two looks; who has not moved from one to the next, and was behind already, stands still.

Longer than a consumer needs to go on after an outage (`reconnect.backoff.max.ms` is 10 s)."""
ANSWER_SECONDS: Final = 2.0
"""How long Kafka may take to say where a partition ends."""
_LOGGER: Final = logging.getLogger(__name__)


class Reader(KafkaConsumer, Bounded, Protocol):
    """The part of confluent-kafka's consumer that is used."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions from these offsets."""

    def assignment(self) -> list[TopicPartition]:
        """Return the partitions that are read now."""

    def subscribe(
        self, topics: list[str], on_assign: Change, on_revoke: Change, on_lost: Change
    ) -> None:
        """Read what the group gives to this member."""


class Progress:
    """How far each partition was read, against where it ended at the last look."""

    def __init__(self) -> None:
        self.reached: dict[int, int] = {}
        self._then: dict[int, int] = {}
        self._ends: Mapping[int, int] = {}

    def note(self, message: Message) -> None:
        """Take a record or the end of a partition as what was reached.

        The end counts because the marker of a transaction is no record and yet has an offset.
        """
        offset, partition = message.offset(), message.partition()
        if offset is None or partition is None:
            return
        if message.error() is None:
            self.reached[partition] = offset + 1
        elif is_end(message):
            self.reached[partition] = offset

    def stands_still(self, ends: Mapping[int, int]) -> list[int]:
        """Return who was behind at the last look and has not moved, and look again.

        Args:
            ends: The next committed offset of each partition that is read now.
        """
        found = [
            partition
            for partition, end in self._ends.items()
            if partition in ends
            and self.reached.get(partition, -1) < end
            and self.reached.get(partition) == self._then.get(partition)
        ]
        self._ends, self._then = ends, dict(self.reached)
        return found

    def restart(self, reached: Mapping[int, int]) -> None:
        """Forget the last look; what was reached is what the reader begins with."""
        self.reached, self._then, self._ends = dict(reached), {}, {}


class SteadyConsumer:
    """Reads one topic, with a client that is made anew when it stands still.

    A member of a group that is made anew goes on from the group's offsets, as after any change in
    the group; a reader that was assigned its partitions goes on from what it reached.

    Args:
        kafka: A consumer of committed records that reports ends, neither assigned nor subscribed.
        reopen: Makes another like it; raises UnavailableError while nothing listens.
        topic: What is read.
        clock: Seconds, from any beginning.
    """

    def __init__(
        self,
        kafka: Reader,
        reopen: Callable[[], Reader],
        topic: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kafka = kafka
        self._reopen = reopen
        self._topic = topic
        self._clock = clock
        self._progress = Progress()
        self._changes: tuple[Change, Change] | None = None
        self._due = clock() + LOOK_SECONDS

    def assign(self, positions: Iterable[TopicPartition]) -> None:
        """Read these partitions of the topic, from these offsets."""
        self._progress.restart({each.partition: each.offset for each in positions})
        self._begin()

    def subscribe(self, on_given: Change, on_gone: Change) -> None:
        """Read what the group gives to this member.

        Args:
            on_given: Called with partitions that are this member's from now on.
            on_gone: Called with partitions that are not any more, given back or lost.
        """
        self._changes = (on_given, on_gone)
        self._begin()

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        """Return up to so many messages within `timeout` seconds, ends of partitions left out.

        From time to time it takes as long as Kafka needs to say where the partitions end.
        """
        found = self._kafka.consume(num_messages, timeout)
        for each in found:
            self._progress.note(each)
        if len(found) < num_messages and self._clock() >= self._due:
            self._look()
            self._due = self._clock() + LOOK_SECONDS
        return [each for each in found if not is_end(each)]

    def commit(
        self, *, offsets: list[TopicPartition], asynchronous: Literal[False]
    ) -> list[TopicPartition]:
        """Commit these offsets of the group."""
        return self._kafka.commit(offsets=offsets, asynchronous=asynchronous)

    def close(self) -> None:
        """Leave the group and free everything."""
        self._kafka.close()

    def _begin(self) -> None:
        if self._changes is not None:
            given, gone = self._changes
            self._progress.restart({})
            self._kafka.subscribe([self._topic], on_assign=given, on_revoke=gone, on_lost=gone)
            return
        reached = self._progress.reached
        self._progress.restart(reached)
        self._kafka.assign([TopicPartition(self._topic, *place) for place in reached.items()])

    def _look(self) -> None:
        """Make the client anew if it stands still; while Kafka does not answer, wait."""
        with contextlib.suppress(KafkaException, UnavailableError):
            ends = self._ends([each.partition for each in self._kafka.assignment()])
            stopped = self._progress.stands_still(ends)
            if stopped:
                self._renew(stopped)

    def _ends(self, partitions: list[int]) -> dict[int, int]:
        """Ask this client, and if it knows no answer, one that has seen nothing yet."""
        try:
            return self._asked(self._kafka, partitions)
        except UnavailableError:
            with contextlib.closing(self._reopen()) as fresh:
                return self._asked(fresh, partitions)

    def _asked(self, kafka: Reader, partitions: list[int]) -> dict[int, int]:
        return {each: bounds(kafka, self._topic, each, ANSWER_SECONDS)[1] for each in partitions}

    def _renew(self, stopped: list[int]) -> None:
        fresh = self._reopen()
        _LOGGER.warning(
            "%s: reading stood still in partitions %s, and Kafka has more; the client is made anew",
            self._topic,
            ", ".join(map(str, stopped)),
        )
        self._kafka.close()
        self._kafka = fresh
        self._begin()
