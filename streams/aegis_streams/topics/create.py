"""Making topics, and telling a cluster that refuses from one that cannot be asked just now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from aegis_streams.errors import TopicError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from confluent_kafka.admin import AdminClient

    from aegis_streams.names import TopicSpec
    from aegis_streams.settings import Settings

ANSWER_SECONDS: Final = 10.0
"""Longest wait for the answer to one question."""

MIN_INSYNC: Final = 2
_PAUSE_SECONDS: Final = 0.2
_TRY_AGAIN: Final = frozenset({KafkaError.REQUEST_TIMED_OUT, KafkaError.NOT_CONTROLLER})


def create_topics(admin: AdminClient, settings: Settings, specs: Sequence[TopicSpec]) -> None:
    """Make topics; those that somebody else made meanwhile are none of our business.

    Raises:
        TopicError: The cluster refuses; the message names the topic and the setting.
        UnavailableError: Kafka did not answer.
    """
    insync = {} if settings.local else {"min.insync.replicas": str(MIN_INSYNC)}
    topics = [
        NewTopic(
            spec.name,
            num_partitions=settings.partitions,
            replication_factor=settings.replication,
            config={**spec.config, **insync},
        )
        for spec in specs
    ]
    deadline = time.monotonic() + ANSWER_SECONDS
    refused = _refusals(admin, topics)
    while _in_passing(admin, settings, refused) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
        refused = _refusals(admin, topics)
    for name, error in refused.items():
        if _unanswered(error):
            raise UnavailableError(
                f"{name}: could not be made, Kafka did not answer ({error}); try again"
            )
        raise TopicError(
            f"{name}: cannot be made with AEGIS_REPLICATION={settings.replication}: {error}"
        )


def _refusals(admin: AdminClient, topics: list[NewTopic]) -> Mapping[str, KafkaError]:
    """Ask once; return what was answered for each topic that is not there now."""
    if not topics:
        return {}
    refused: dict[str, KafkaError] = {}
    asked = admin.create_topics(
        topics, operation_timeout=ANSWER_SECONDS, request_timeout=2 * ANSWER_SECONDS
    )
    for name, future in asked.items():
        try:
            future.result(3 * ANSWER_SECONDS)
        except TimeoutError:
            refused[name] = KafkaError(KafkaError.REQUEST_TIMED_OUT)
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                refused[name] = error
    return refused


def _in_passing(admin: AdminClient, settings: Settings, refused: Mapping[str, KafkaError]) -> bool:
    """Whether the only thing missing was brokers that are there again."""
    return (
        bool(refused)
        and {error.code() for error in refused.values()} == {KafkaError.INVALID_REPLICATION_FACTOR}
        and _brokers(admin) >= settings.replication
    )


def _brokers(admin: AdminClient) -> int:
    try:
        return len(admin.list_topics(timeout=ANSWER_SECONDS).brokers)
    except KafkaException:
        return 0


def _unanswered(error: KafkaError) -> bool:
    """Whether the client gave up, rather than the cluster refused."""
    return error.code() in _TRY_AGAIN or error.code() < KafkaError.NO_ERROR
