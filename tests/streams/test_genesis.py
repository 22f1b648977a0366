from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from aegis_codecs.records import bodies
from aegis_governance.config import AegisConfig
from aegis_streams.decide.head import HEAD_KEY, Head
from aegis_streams.errors import GenesisError, TopicError, UnavailableError
from aegis_streams.names import AUDIT, DECIDE_GROUP, PROPOSALS, TOPICS, changelog
from aegis_streams.settings import Settings
from aegis_streams.stack.processes import wait_until
from aegis_streams.topics import ensure
from aegis_streams.topics.describe import describe
from aegis_streams.topics.ensure import check_topics
from support.deployment import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    from support.stack import RunningStack

pytestmark = pytest.mark.stack

HEADS = changelog(DECIDE_GROUP, "heads")


@pytest.fixture
def deployment(stack: RunningStack, tmp_path: Path) -> Deployment:
    stack.clear()
    return Deployment(stack, tmp_path)


def delete(stack: RunningStack, topic: str) -> None:
    stack.admin.delete_topics([topic])[topic].result(30)


def test_it_is_opened_once(deployment: Deployment) -> None:
    first = deployment.open()
    assert first.genesis.state == "opened"
    assert set(first.created) == {spec.name for spec in TOPICS}
    leaves = deployment.leaves()
    assert [leaf.log for leaf in leaves] == [f"aegis/local/1/{n}" for n in range(4)]
    for leaf in leaves:
        opened = bodies.decode(leaf.body)
        assert (opened.kind, leaf.sequence) == ("EpochOpened", 0)
        assert opened.fields["parameters"] == AegisConfig.default().to_bytes()
    second = deployment.open()
    assert (second.genesis.state, second.created) == ("present", ())
    assert second.schemas == first.schemas
    assert deployment.leaves() == leaves


def test_a_later_parameter_file_is_reported_and_not_used(
    deployment: Deployment, tmp_path: Path
) -> None:
    deployment.open()
    path = tmp_path / "other.yaml"
    path.write_text("parameters:\n  quality_min_score: 0.8\n", encoding="utf-8")
    genesis = ensure(deployment.changed(parameters_file=path)).genesis
    assert genesis.differs
    assert genesis.parameters_sha256 == AegisConfig.default().sha256().hex()


def test_a_log_without_state_is_never_opened_again(deployment: Deployment) -> None:
    deployment.open()
    delete(deployment.stack, HEADS)
    with pytest.raises(GenesisError, match="would fork the log"):
        ensure(deployment.settings)


def test_a_part_of_the_state_is_refused(deployment: Deployment) -> None:
    deployment.open()
    head = Head.from_bytes(
        next(r.value or b"" for r in deployment.read(HEADS) if r.key == HEAD_KEY)
    )
    delete(deployment.stack, HEADS)
    with pytest.raises(GenesisError):
        ensure(deployment.settings)
    producer = Producer({"bootstrap.servers": deployment.stack.bootstrap})
    producer.produce(HEADS, head.to_bytes(), HEAD_KEY, partition=0)
    assert producer.flush(30) == 0
    with pytest.raises(GenesisError, match="only 1 of 4"):
        ensure(deployment.settings)


def test_another_deployment_does_not_fit(deployment: Deployment) -> None:
    deployment.open()
    with pytest.raises(GenesisError, match="AEGIS_REGION"):
        ensure(deployment.changed(region="elsewhere"))


def test_the_number_of_partitions_is_fixed(deployment: Deployment) -> None:
    deployment.open()
    with pytest.raises(TopicError, match="fixed at genesis"):
        ensure(deployment.changed(partitions=8))


def test_topics_that_break_the_guarantee_are_refused(deployment: Deployment) -> None:
    deployment.open()
    with pytest.raises(TopicError, match="replication 1, at least 3"):
        check_topics(deployment.changed(local=False))


def test_a_producers_clock_is_not_accepted(deployment: Deployment) -> None:
    stack = deployment.stack
    stack.make([NewTopic(PROPOSALS, 4, 1)])
    with pytest.raises(TopicError, match=r"message\.timestamp\.type=CreateTime"):
        ensure(deployment.settings)


def test_describe_names_what_is_missing(deployment: Deployment) -> None:
    assert all("topics ensure" in state.fault for state in describe(deployment.settings))
    deployment.open()
    states = {state.topic: state for state in describe(deployment.settings)}
    assert not any(state.fault for state in states.values())
    assert states[PROPOSALS].timestamps == "LogAppendTime"
    assert states[AUDIT].kept == "for ever"
    assert states[HEADS].kept == "last per key"


def test_no_kafka_is_said_as_such() -> None:
    with pytest.raises(UnavailableError, match="aegis up"):
        check_topics(
            Settings(bootstrap="127.0.0.1:9"),
            AdminClient({"bootstrap.servers": "127.0.0.1:9", "log_level": 0}),
        )


@pytest.mark.parametrize(("group", "topic"), [("aegis-decide", PROPOSALS), ("aegis-seal", AUDIT)])
def test_both_groups_start_at_the_beginning(deployment: Deployment, group: str, topic: str) -> None:
    deployment.open()
    admin = deployment.stack.admin
    asked = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in range(4)])]

    def at_the_beginning() -> bool:
        """The offsets arrive with the markers of the transaction, a little after its commit."""
        future = admin.list_consumer_group_offsets(asked, require_stable=True)[group]
        return [found.offset for found in future.result(30).topic_partitions] == [0] * 4

    assert wait_until(at_the_beginning, 30)
