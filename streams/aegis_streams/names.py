"""Names of topics and groups, and the settings each topic must have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PROPOSALS: Final = "aegis.proposals"
COMMANDS: Final = "aegis.commands"
AUDIT: Final = "aegis.audit"
DECISIONS: Final = "aegis.decisions"
CHECKPOINTS: Final = "aegis.checkpoints"
DEAD_LETTERS: Final = "aegis.dead-letters"

DECIDE_GROUP: Final = "aegis-decide"
SEAL_GROUP: Final = "aegis-seal"
INPUT_TOPICS: Final = (PROPOSALS, COMMANDS)
DECIDE_TABLES: Final = ("heads", "drift", "proposals")
SEAL_TABLES: Final = ("tree",)

MAX_INPUT_BATCH_BYTES: Final = 1024 * 1024
"""Largest *batch* of input records the broker takes. Kafka cannot bound a single record, and a
bound of 64 KiB on batches would refuse ordinary producers under load (ADR 0007)."""
MAX_OWN_BATCH_BYTES: Final = 2 * 1024 * 1024
"""The same for what workers write: a producer fills batches up to 1 MB, or puts a single larger
record (a dead letter with 1 MiB of original) into one of its own."""
DAY_MS: Final = 24 * 60 * 60 * 1000


def changelog(group: str, table: str) -> str:
    """Return the topic that backs a table."""
    return f"{group}-{table}-changelog"


@dataclass(frozen=True)
class TopicSpec:
    """A topic as the deployment needs it.

    Attributes:
        name: Topic name.
        config: Settings given at creation.
        required: Settings that must hold on a topic found in place, or nothing may start on it.
    """

    name: str
    config: Mapping[str, str]
    required: frozenset[str] = field(default_factory=frozenset)


def _kept(max_bytes: int, **extra: str) -> dict[str, str]:
    return {
        "compression.type": "zstd",
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "max.message.bytes": str(max_bytes),
        **{name.replace("_", "."): value for name, value in extra.items()},
    }


_INPUT: Final = _kept(MAX_INPUT_BATCH_BYTES, message_timestamp_type="LogAppendTime")
_COMPACTED: Final = {
    "compression.type": "zstd",
    "cleanup.policy": "compact",
    "max.message.bytes": str(MAX_OWN_BATCH_BYTES),
    "segment.bytes": str(64 * 1024 * 1024),
    "min.cleanable.dirty.ratio": "0.3",
}
_LOGGED: Final = frozenset({"retention.ms", "retention.bytes", "cleanup.policy"})
"""Nothing is ever deleted, neither by age nor by size."""
_TIMED: Final = _LOGGED | {"message.timestamp.type"}

TOPICS: Final = (
    TopicSpec(PROPOSALS, _INPUT, _TIMED),
    TopicSpec(COMMANDS, _INPUT, _TIMED),
    TopicSpec(AUDIT, _kept(MAX_OWN_BATCH_BYTES), _LOGGED),
    TopicSpec(
        DECISIONS,
        _kept(MAX_OWN_BATCH_BYTES, retention_ms=str(7 * DAY_MS)),
        frozenset({"cleanup.policy"}),
    ),
    TopicSpec(
        CHECKPOINTS,
        _kept(MAX_OWN_BATCH_BYTES, retention_ms=str(7 * DAY_MS)),
        frozenset({"cleanup.policy"}),
    ),
    TopicSpec(
        DEAD_LETTERS,
        _kept(MAX_OWN_BATCH_BYTES, retention_ms=str(30 * DAY_MS)),
        frozenset({"cleanup.policy"}),
    ),
    *(
        TopicSpec(changelog(group, table), _COMPACTED, frozenset({"cleanup.policy"}))
        for group, tables in ((DECIDE_GROUP, DECIDE_TABLES), (SEAL_GROUP, SEAL_TABLES))
        for table in tables
    ),
)
"""Every topic of a deployment, in the order in which they are made."""
