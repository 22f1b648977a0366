"""Which topics found in place are refused; no broker is needed to judge them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pytest
from confluent_kafka.admin._metadata import PartitionMetadata, TopicMetadata

from aegis_streams.errors import TopicError
from aegis_streams.names import AUDIT, COMMANDS, PROPOSALS, SEAL_GROUP, TOPICS, changelog
from aegis_streams.settings import Settings
from aegis_streams.topics.ensure import check_topic

if TYPE_CHECKING:
    from collections.abc import Mapping

SAFE = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}
TREE = changelog(SEAL_GROUP, "tree")
NONE: Final[Mapping[str, str]] = MappingProxyType({})


def judge(
    name: str, changes: Mapping[str, str] = NONE, *, replicas: int = 3, local: bool = False
) -> None:
    spec = next(each for each in TOPICS if each.name == name)
    found, settings = TopicMetadata(), Settings(local=local)
    for number in range(settings.partitions):
        found.partitions[number] = PartitionMetadata()
        found.partitions[number].replicas = list(range(replicas))
    check_topic(settings, spec, found, {**spec.config, **SAFE, **changes})


@pytest.mark.parametrize("name", [spec.name for spec in TOPICS])
def test_topics_as_they_are_made_are_fit(name: str) -> None:
    judge(name)
    judge(name, {"min.insync.replicas": "1"}, local=True, replicas=1)


@pytest.mark.parametrize("name", [PROPOSALS, COMMANDS, AUDIT])
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("retention.ms", "86400000"),
        ("retention.bytes", "1073741824"),
        ("cleanup.policy", "compact,delete"),
    ],
)
def test_what_would_delete_inputs_or_leaves_is_refused(name: str, setting: str, value: str) -> None:
    with pytest.raises(TopicError, match=f"{name}: {setting}={value}, must be"):
        judge(name, {setting: value}, local=True)


@pytest.mark.parametrize("name", [PROPOSALS, COMMANDS])
def test_a_producers_clock_on_an_input_is_refused(name: str) -> None:
    with pytest.raises(TopicError, match=r"message\.timestamp\.type=CreateTime"):
        judge(name, {"message.timestamp.type": "CreateTime"})


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
def test_state_that_goes_with_time_is_refused(policy: str) -> None:
    with pytest.raises(TopicError, match=f"cleanup.policy={policy}, must be compact"):
        judge(TREE, {"cleanup.policy": policy})


@pytest.mark.parametrize(
    ("fault", "replicas", "changes"),
    [
        ("replication 2, at least 3", 2, {}),
        (r"min\.insync\.replicas 1, at least 2", 3, {"min.insync.replicas": "1"}),
        ("unclean", 3, {"unclean.leader.election.enable": "true"}),
    ],
)
@pytest.mark.parametrize("name", [AUDIT, TREE])
def test_what_loses_committed_leaves_is_refused_unless_it_is_local(
    name: str, fault: str, replicas: int, changes: dict[str, str]
) -> None:
    with pytest.raises(TopicError, match=f"{name}: {fault}.*AEGIS_LOCAL=true"):
        judge(name, changes, replicas=replicas)
    judge(name, changes, local=True, replicas=replicas)
