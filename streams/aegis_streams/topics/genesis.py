"""Opening a deployment: the one moment at which an empty state is right (rules 10).

One Kafka transaction writes, for every partition, the `EpochOpened` leaf (sequence 0), the first
head and parameters, the sealer's first tree state, and the first offsets of both groups. Either
all of it is there or nothing is.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.log.merkle import EMPTY_RANGE
from aegis_governance.config import AegisConfig
from aegis_governance.evaluators import CURRENT
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.decide.leaves import LogWriter
from aegis_streams.errors import LOST_STATE, GenesisError, UnavailableError
from aegis_streams.kafka.connection import connection
from aegis_streams.kafka.scan import scan, watermarks
from aegis_streams.names import (
    AUDIT,
    CHECKPOINTS,
    DECIDE_GROUP,
    DECISIONS,
    INPUT_TOPICS,
    SEAL_GROUP,
    changelog,
)
from aegis_streams.records import Records
from aegis_streams.seal.tree import TREE_KEY, TreeState

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.settings import Settings

_log: Final = logging.getLogger(__name__)

HEADS_CHANGELOG: Final = changelog(DECIDE_GROUP, "heads")
TREE_CHANGELOG: Final = changelog(SEAL_GROUP, "tree")
_TIMEOUT_SECONDS: Final = 30.0


class Genesis(NamedTuple):
    """How the deployment stands after `open_deployment`.

    Attributes:
        state: "opened" now, or "present" before.
        parameters_sha256: Hash of the active parameters of partition 0, hexadecimal.
        file_sha256: Hash of the parameters in this process's file; matters at genesis only.
    """

    state: Literal["opened", "present"]
    parameters_sha256: str
    file_sha256: str

    @property
    def differs(self) -> bool:
        """Whether the file and the active parameters differ, which is worth a warning."""
        return self.parameters_sha256 != self.file_sha256


def genesis_parameters(settings: Settings) -> AegisConfig:
    """Return the parameters with which an empty deployment would be opened."""
    path = settings.parameters_file
    return AegisConfig.default() if path is None else AegisConfig.from_yaml(str(path))


def open_deployment(settings: Settings, clock: Callable[[], float] = time.time) -> Genesis:
    """Write genesis on an empty deployment; recognise one that was opened before.

    Raises:
        GenesisError: Only a part of the state is there, or a log without state.
        UnavailableError: Kafka did not answer.
    """
    config = genesis_parameters(settings)
    wanted = config.sha256().hex()
    present = _present(settings)
    if present is not None:
        return Genesis("present", present.parameters_sha256.hex(), wanted)
    producer = _transactional(settings)
    present = _present(settings)  # again, now that any other writer of genesis is fenced
    if present is not None:
        return Genesis("present", present.parameters_sha256.hex(), wanted)
    _refuse_leftovers(settings)
    _write(settings, config, producer, int(clock() * 1000))
    return Genesis("opened", wanted, wanted)


def _present(settings: Settings) -> Head | None:
    heads = [_head(settings, partition) for partition in range(settings.partitions)]
    found = [head for head in heads if head is not None]
    if not found:
        return None
    if len(found) != settings.partitions:
        raise GenesisError(
            f"{HEADS_CHANGELOG}: only {len(found)} of {settings.partitions} partitions hold a "
            f"head; genesis is all or nothing, so the topic was damaged; see {LOST_STATE}"
        )
    for partition, head in enumerate(found):
        if (head.log, head.partitions) != (settings.origin(partition), settings.partitions):
            raise GenesisError(
                f"{HEADS_CHANGELOG}[{partition}]: belongs to log {head.log} of {head.partitions} "
                f"partitions, the settings say {settings.origin(partition)} of "
                f"{settings.partitions}; check AEGIS_DEPLOYMENT, AEGIS_REGION, AEGIS_EPOCH"
            )
    return found[0]


def _head(settings: Settings, partition: int) -> Head | None:
    head = None
    for record in scan(settings.bootstrap, HEADS_CHANGELOG, partition, 0):
        if record.key == HEAD_KEY and record.value is not None:
            head = Head.from_bytes(record.value)
    return head


def _refuse_leftovers(settings: Settings) -> None:
    for topic in (AUDIT, CHECKPOINTS, DECISIONS, TREE_CHANGELOG):
        for partition in range(settings.partitions):
            records = scan(settings.bootstrap, topic, partition, 0)
            if next(records, None) is not None:
                raise GenesisError(
                    f"{topic}[{partition}]: holds records, and no state is left of them. A new "
                    "genesis would fork the log; use a new AEGIS_EPOCH with fresh topics, and see "
                    f"{LOST_STATE}"
                )


def _transactional(settings: Settings) -> Producer:
    producer = Producer(
        {
            **connection(settings.bootstrap),
            "transactional.id": f"aegis-genesis-{settings.deployment}-{settings.region}",
            "compression.type": "zstd",
            "logger": _log,
        }
    )
    try:
        producer.init_transactions(_TIMEOUT_SECONDS)
    except KafkaException as error:
        raise UnavailableError(f"genesis: no transaction can be begun: {error}") from error
    return producer


def _write(settings: Settings, config: AegisConfig, producer: Producer, now_ms: int) -> None:
    records = Records(settings.registry_url)
    parameters = config.to_bytes()
    producer.begin_transaction()
    for partition in range(settings.partitions):
        head, entry = _first_leaf(settings, config, partition, now_ms)
        producer.produce(AUDIT, records.audit(entry), partition=partition)
        tree = TreeState(head.log, EMPTY_RANGE, ZERO_HASH, _start(settings, AUDIT, partition))
        for topic, key, value in (
            (HEADS_CHANGELOG, PARAMETERS_KEY, parameters),
            (HEADS_CHANGELOG, HEAD_KEY, head.to_bytes()),
            (TREE_CHANGELOG, TREE_KEY, tree.to_bytes()),
        ):
            producer.produce(topic, value, key, partition=partition)
    _offsets(settings, producer, DECIDE_GROUP, INPUT_TOPICS)
    _offsets(settings, producer, SEAL_GROUP, (AUDIT,))
    try:
        producer.commit_transaction(_TIMEOUT_SECONDS)
    except KafkaException as error:
        raise UnavailableError(f"genesis: not committed: {error}; run it again") from error


def _first_leaf(
    settings: Settings, config: AegisConfig, partition: int, now_ms: int
) -> tuple[Head, AuditEntry]:
    digest = config.sha256()
    head = Head(
        log=settings.origin(partition),
        partitions=settings.partitions,
        sequence=0,
        entry_hash=ZERO_HASH,
        leaf_time=now_ms,
        offsets={topic: _start(settings, topic, partition) for topic in INPUT_TOPICS},
        parameters_sha256=digest,
        evaluator=CURRENT,
    )
    opened = {
        "ordinal": 0,
        "leaf_time": now_ms,
        "log": head.log,
        "deployment": settings.deployment,
        "region": settings.region,
        "epoch": settings.epoch,
        "partition": partition,
        "partitions": settings.partitions,
        "parameters": config.to_bytes(),
        "parameters_sha256": digest,
        "mode": config.mode,
        "evaluator": CURRENT,
        "previous": None,
    }
    leaves: list[AuditEntry] = []
    log = LogWriter(head, lambda made: leaves.extend(entry for _, entry in made))
    log.append(None, "EpochOpened", opened)
    log.write()
    return head, leaves[0]


def _start(settings: Settings, topic: str, partition: int) -> int:
    return watermarks(settings.bootstrap, topic, partition)[0]


def _offsets(settings: Settings, producer: Producer, group: str, topics: tuple[str, ...]) -> None:
    consumer = Consumer({**connection(settings.bootstrap), "group.id": group, "logger": _log})
    try:
        producer.send_offsets_to_transaction(
            [
                TopicPartition(topic, partition, _start(settings, topic, partition))
                for topic in topics
                for partition in range(settings.partitions)
            ],
            consumer.consumer_group_metadata(),
            _TIMEOUT_SECONDS,
        )
    except KafkaException as error:
        raise UnavailableError(
            f"genesis: offsets of group {group} not accepted: {error}; are workers running?"
        ) from error
    finally:
        consumer.close()
