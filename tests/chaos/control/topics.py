"""Topics for the control: as AEGIS has them, but without zstd, which its client cannot read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka.cimpl import NewTopic

from aegis_streams.names import TOPICS

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

_SECONDS: Final = 30.0


def make_topics(admin: AdminClient, partitions: int) -> None:
    """Make every topic of a deployment before `aegis topics ensure` finds them in place."""
    topics = [
        NewTopic(each.name, partitions, 1, config={**each.config, "compression.type": "gzip"})
        for each in TOPICS
    ]
    for made in admin.create_topics(topics).values():
        made.result(_SECONDS)
