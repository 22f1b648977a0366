"""What is to be judged, as plain values that go to another process and come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_streams.fsck.findings import Found
    from aegis_streams.fsck.state import Position

BLIND: Final = (
    "no earlier checkpoint of it was given (--since): a log whose end was cut off everywhere, or "
    "that is shown otherwise to somebody else, looks like this one"
)
"""What one reader alone cannot see."""
DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Topics:
    """Names of the topics on the broker.

    Leaves name their inputs by the names of a deployment; `inputs` says where those lie.

    Attributes:
        audit: Leaves.
        checkpoints: Signed tree heads.
        decisions: Released decisions.
        letters: Dead letters.
        inputs: Topic by the name that leaves use, that of proposals first.
    """

    audit: str = "aegis.audit"
    checkpoints: str = "aegis.checkpoints"
    decisions: str = "aegis.decisions"
    letters: str = "aegis.dead-letters"
    inputs: tuple[tuple[str, str], ...] = (
        ("aegis.proposals", "aegis.proposals"),
        ("aegis.commands", "aegis.commands"),
    )


@dataclass(frozen=True)
class Source:
    """Where a deployment's records are, and what their settings allow to be gone.

    Attributes:
        bootstrap: Kafka; None leaves it out.
        topics: Names of topics.
        registry: The schema registry in Confluent's interface; None leaves it out.
        database: URL of PostgreSQL; None leaves it out.
        groups: Consumer group by its task: `decide`, `seal`, `sink`, `sink-checkpoints`. What a
            group committed must have left its traces; a group that is not named is not asked.
        keeps_ms: For how long decisions (and checkpoints), and dead letters, are kept.
    """

    bootstrap: str | None
    topics: Topics = Topics()
    registry: str | None = None
    database: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    keeps_ms: tuple[int, int] = (7 * DAY_MS, 30 * DAY_MS)


@dataclass(frozen=True)
class Task:
    """One log to be judged.

    Attributes:
        log: The log.
        partition: Its partition.
        source: Where everything is.
        trust: The trust file.
        since: Name and note of each retained checkpoint; those of other logs are passed over.
        position: Where an earlier run stopped.
        now_ms: The time now, for what retention may have taken.
        directory: Place of temporary files; None means the system's.
    """

    log: str
    partition: int
    source: Source
    trust: bytes
    since: tuple[tuple[str, bytes], ...] = ()
    position: Position | None = None
    now_ms: int = 0
    directory: str | None = None


@dataclass
class Judged:
    """What came of one log.

    Attributes:
        log: The log.
        findings: What is wrong.
        could_not: What could not be checked, and why.
        figures: How much of each was checked.
        told: What is no finding and worth knowing, such as what waits or has expired.
        newest: Note of the newest checkpoint that carries every signature.
        position: How far it was verified without findings.
    """

    log: str
    findings: list[Found] = field(default_factory=list)
    could_not: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    newest: bytes = b""
    position: Position | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "log": self.log,
            "findings": [each.as_dict() for each in self.findings],
            "could_not_check": self.could_not,
            "figures": self.figures,
            "told": self.told,
        }
