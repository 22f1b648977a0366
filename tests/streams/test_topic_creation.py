"""What is said when a cluster does not make a topic: a refusal is not a missing answer."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin._metadata import BrokerMetadata, ClusterMetadata

from aegis_streams.errors import TopicError, UnavailableError
from aegis_streams.names import TOPICS
from aegis_streams.settings import Settings
from aegis_streams.topics.create import create_topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

SPECS = TOPICS[:2]
SHORT = KafkaError.INVALID_REPLICATION_FACTOR


class Cluster:
    """Answers each question for topics with the next of the given errors, then makes them."""

    def __init__(self, *errors: int | Exception, brokers: int = 1) -> None:
        self.errors = list(errors)
        self.brokers = brokers
        self.asked = 0

    def create_topics(self, topics: Sequence[NewTopic], **_: float) -> dict[str, Future[None]]:
        self.asked += 1
        error = self.errors.pop(0) if self.errors else None
        answers = {topic.topic: Future[None]() for topic in topics}
        for future in answers.values():
            if error is None:
                future.set_result(None)
            elif isinstance(error, Exception):
                future.set_exception(error)
            else:
                future.set_exception(KafkaException(KafkaError(error)))
        return answers

    def list_topics(self, timeout: float) -> ClusterMetadata:
        assert timeout > 0
        if not self.brokers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        found = ClusterMetadata()
        found.brokers = {number: BrokerMetadata() for number in range(self.brokers)}
        return found


def create(cluster: Cluster, replication: int = 1) -> None:
    settings = Settings(local=True, replication=replication)
    create_topics(cast("AdminClient", cluster), settings, SPECS)


def test_topics_that_somebody_else_made_are_there() -> None:
    create(Cluster(KafkaError.TOPIC_ALREADY_EXISTS))


def test_a_broker_that_was_away_for_a_moment_is_asked_again() -> None:
    cluster = Cluster(SHORT, SHORT)
    create(cluster)
    assert cluster.asked == 3


@pytest.mark.parametrize(
    ("code", "brokers", "replication"),
    [(SHORT, 1, 3), (SHORT, 0, 1), (KafkaError.INVALID_CONFIG, 1, 1)],
)
def test_a_refusal_names_topic_and_setting(code: int, brokers: int, replication: int) -> None:
    cluster = Cluster(code, brokers=brokers)
    with pytest.raises(TopicError, match=rf"{SPECS[0].name}: .*AEGIS_REPLICATION={replication}"):
        create(cluster, replication)
    assert cluster.asked == 1


@pytest.mark.parametrize(
    "error",
    [
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError.REQUEST_TIMED_OUT,
        TimeoutError(),
    ],
)
def test_no_answer_is_no_refusal(error: int | Exception) -> None:
    with pytest.raises(UnavailableError, match="did not answer"):
        create(Cluster(error))


def test_whatever_else_goes_wrong_is_not_taken_for_a_topic() -> None:
    with pytest.raises(ValueError, match="no such setting"):
        create(Cluster(ValueError("no such setting")))


def test_nothing_missing_asks_nothing() -> None:
    cluster = Cluster()
    create_topics(cast("AdminClient", cluster), Settings(), ())
    assert cluster.asked == 0
