"""Making the topics and schemas of a deployment, and refusing to start on wrong ones."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from aegis_codecs.registry import Registry
from aegis_streams.errors import TopicError, UnavailableError
from aegis_streams.kafka.connection import connection
from aegis_streams.names import TOPICS, TopicSpec
from aegis_streams.topics.create import ANSWER_SECONDS, MIN_INSYNC, create_topics
from aegis_streams.topics.genesis import Genesis, open_deployment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka.admin._metadata import TopicMetadata

    from aegis_streams.settings import Settings

_log: Final = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.05
MIN_REPLICATION: Final = 3


class EnsureReport(NamedTuple):
    """What `ensure` found and did.

    Attributes:
        created: Topics that were made.
        existing: Topics that were there and fit.
        schemas: Record name -> schema id in the registry.
        genesis: Whether, and how, the deployment was opened.
    """

    created: tuple[str, ...]
    existing: tuple[str, ...]
    schemas: Mapping[str, int]
    genesis: Genesis


def ensure(settings: Settings) -> EnsureReport:
    """Make what is missing of topics, schemas and genesis; check what is there.

    Raises:
        TopicError: A topic in place has another partition count or unfit settings.
        GenesisError: Topics hold a log that the state knows nothing of.
        UnavailableError: Kafka or the registry did not answer.
    """
    admin = admin_client(settings)
    present = list_topics(admin)
    missing = [spec for spec in TOPICS if spec.name not in present]
    create_topics(admin, settings, missing)
    _wait_visible(admin)
    check_topics(settings, admin)
    schemas = Registry(settings.registry_url).ensure_registered()
    created = tuple(spec.name for spec in missing)
    existing = tuple(spec.name for spec in TOPICS if spec not in missing)
    return EnsureReport(created, existing, schemas, open_deployment(settings))


def admin_client(settings: Settings) -> AdminClient:
    """Return an admin client of the deployment's cluster."""
    return AdminClient({**connection(settings.bootstrap), "socket.timeout.ms": 10_000}, logger=_log)


def list_topics(admin: AdminClient) -> dict[str, TopicMetadata]:
    """Return the cluster's topics by name.

    Raises:
        UnavailableError: Kafka did not answer.
    """
    try:
        return dict(admin.list_topics(timeout=ANSWER_SECONDS).topics)
    except KafkaException as error:
        raise UnavailableError(
            f"Kafka did not answer ({error}); is it running? `aegis up` starts a local one"
        ) from error


def check_topics(settings: Settings, admin: AdminClient | None = None) -> None:
    """Refuse topics on which the guarantee would not hold (rules 10 and 12).

    Raises:
        TopicError: A topic is missing, or its partitions, replication or settings do not fit.
        UnavailableError: Kafka did not answer.
    """
    admin = admin or admin_client(settings)
    present = list_topics(admin)
    for spec in TOPICS:
        found = present.get(spec.name)
        if found is None:
            raise TopicError(f"{spec.name}: no such topic; run `aegis topics ensure`")
        check_topic(settings, spec, found, topic_config(admin, spec.name))


def topic_config(admin: AdminClient, topic: str) -> dict[str, str]:
    """Return the effective settings of a topic."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        asked = admin.describe_configs([resource], request_timeout=ANSWER_SECONDS)
        entries = asked[resource].result()
    except KafkaException as error:
        raise UnavailableError(f"{topic}: its settings cannot be read: {error}") from error
    return {name: str(entry.value) for name, entry in entries.items()}


def check_topic(
    settings: Settings, spec: TopicSpec, found: TopicMetadata, config: Mapping[str, str]
) -> None:
    """Refuse one topic whose partitions, settings or replication do not fit.

    Raises:
        TopicError: The message names the setting.
    """
    if len(found.partitions) != settings.partitions:
        raise TopicError(
            f"{spec.name}: {len(found.partitions)} partitions, the deployment has "
            f"{settings.partitions}; the number is fixed at genesis, set AEGIS_PARTITIONS to it"
        )
    for name in sorted(spec.required):
        if config.get(name) != spec.config[name]:
            raise TopicError(
                f"{spec.name}: {name}={config.get(name)}, must be {spec.config[name]}; change it "
                "with kafka-configs before anything is produced"
            )
    if settings.local:
        return
    replicas = min(len(partition.replicas) for partition in found.partitions.values())
    faults = {
        f"replication {replicas}, at least {MIN_REPLICATION}": replicas < MIN_REPLICATION,
        f"min.insync.replicas {config.get('min.insync.replicas')}, at least {MIN_INSYNC}": int(
            config.get("min.insync.replicas", "1")
        )
        < MIN_INSYNC,
        "unclean.leader.election.enable true, must be false": config.get(
            "unclean.leader.election.enable"
        )
        == "true",
    }
    for text, broken in faults.items():
        if broken:
            raise TopicError(
                f"{spec.name}: {text}, or a lost broker would lose committed leaves; "
                "AEGIS_LOCAL=true accepts it on a cluster for trial alone"
            )


def _wait_visible(admin: AdminClient) -> None:
    """Wait until the broker that answers knows every topic; it learns of new ones later."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        present = list_topics(admin)
        if all(spec.name in present for spec in TOPICS):
            return
        time.sleep(_LOOK_SECONDS)
