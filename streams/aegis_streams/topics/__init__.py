"""Topics: their names and settings, making and checking them, and opening a deployment."""

from __future__ import annotations

from aegis_streams.topics.ensure import EnsureReport, ensure
from aegis_streams.topics.names import (
    AUDIT,
    CHECKPOINTS,
    COMMANDS,
    DEAD_LETTERS,
    DECIDE_GROUP,
    DECISIONS,
    INPUT_TOPICS,
    PROPOSALS,
    SEAL_GROUP,
    changelog,
)

__all__ = [
    "AUDIT",
    "CHECKPOINTS",
    "COMMANDS",
    "DEAD_LETTERS",
    "DECIDE_GROUP",
    "DECISIONS",
    "INPUT_TOPICS",
    "PROPOSALS",
    "SEAL_GROUP",
    "EnsureReport",
    "changelog",
    "ensure",
]
