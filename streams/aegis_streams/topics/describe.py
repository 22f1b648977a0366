"""What topics a deployment has, and whether they are fit for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aegis_streams.errors import TopicError
from aegis_streams.kafka.scan import watermarks
from aegis_streams.names import DAY_MS, TOPICS, TopicSpec
from aegis_streams.topics.ensure import admin_client, check_topic, list_topics, topic_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka.admin._metadata import TopicMetadata

    from aegis_streams.settings import Settings


class TopicState(NamedTuple):
    """One topic as it is.

    Attributes:
        topic: Name.
        partitions: How many; 0 if there is no such topic.
        offsets: Offsets in use over all partitions, transaction markers included.
        kept: How long records are kept.
        timestamps: Who sets a record's time.
        fault: What is wrong with it, empty if nothing is.
    """

    topic: str
    partitions: int = 0
    offsets: int = 0
    kept: str = ""
    timestamps: str = ""
    fault: str = ""


def describe(settings: Settings) -> list[TopicState]:
    """Return the state of every topic of the deployment, in the order they are made."""
    admin = admin_client(settings)
    present = list_topics(admin)
    return [
        (
            _state(settings, spec, present[spec.name], topic_config(admin, spec.name))
            if spec.name in present
            else TopicState(spec.name, fault="missing; run `aegis topics ensure`")
        )
        for spec in TOPICS
    ]


def _state(
    settings: Settings, spec: TopicSpec, found: TopicMetadata, config: Mapping[str, str]
) -> TopicState:
    offsets = 0
    for partition in found.partitions:
        low, high = watermarks(settings.bootstrap, spec.name, partition)
        offsets += high - low
    try:
        check_topic(settings, spec, found, config)
        fault = ""
    except TopicError as error:
        fault = str(error)
    return TopicState(
        spec.name,
        len(found.partitions),
        offsets,
        _kept(config),
        config.get("message.timestamp.type", ""),
        fault,
    )


def _kept(config: Mapping[str, str]) -> str:
    if config.get("cleanup.policy") == "compact":
        return "last per key"
    milliseconds = int(config.get("retention.ms", "-1"))
    return "for ever" if milliseconds < 0 else f"{milliseconds / DAY_MS:g} days"
