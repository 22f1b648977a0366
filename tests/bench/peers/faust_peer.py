"""The decider's work in stock Faust: `python -m bench.peers.faust_peer WORK`.

Its own transport and tables, at_least_once: as shipped, its exactly_once ends in a crash loop after
kills (ADR 0002). What at_least_once loses and repeats under kills is no part of this measurement.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import faust

from aegis_streams.decide.identity import InputRecord
from aegis_streams.names import AUDIT, DEAD_LETTERS
from bench.peers.one_by_one import OneByOne
from bench.peers.work import Work

if TYPE_CHECKING:
    from collections.abc import Iterable

_BATCH_BYTES: Final = 500_000


class Table:
    """A table of ours for one partition in a Faust table, which holds all partitions' keys.

    Args:
        table: The Faust table.
        partition: Number of the partition.
    """

    def __init__(self, table: Any, partition: int) -> None:
        self._table = table
        self._prefix = b"%d." % partition

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key."""
        found: bytes | None = self._table.get(self._prefix + key)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""
        self._table[self._prefix + key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key."""
        del self._table[self._prefix + key]

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return the pairs of this partition."""
        length = len(self._prefix)
        return [
            (key[length:], value)
            for key, value in self._table.items()
            if key.startswith(self._prefix)
        ]


def main(work: Work) -> None:
    """Work until killed."""
    app = faust.App(
        work.name,
        broker=f"kafka://{work.bootstrap}",
        store="memory://",
        datadir=work.state,
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=work.partitions,
        broker_commit_interval=work.commit_ms / 1000,
        consumer_auto_offset_reset="earliest",
        # The defaults fill a request with eight windows and wait for its answer.
        producer_max_batch_size=_BATCH_BYTES,
        producer_linger=0.005,
    )
    raw: dict[str, Any] = {
        "key_type": bytes,
        "value_type": bytes,
        "key_serializer": "raw",
        "value_serializer": "raw",
    }
    topics = {
        AUDIT: app.topic(work.audit, **raw),
        DEAD_LETTERS: app.topic(work.dead_letters, **raw),
    }
    tables = {
        name: app.Table(name, partitions=work.partitions, schema=faust.Schema(**raw))
        for name in ("heads", "drift", "proposals")
    }
    work_on = OneByOne(work, lambda name, partition: Table(tables[name], partition))

    @app.agent(app.topic(work.proposals, **raw))
    async def decide(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            record = InputRecord(
                message.topic,
                message.partition,
                message.offset,
                round(message.timestamp * 1000),
                message.key,
                message.value,
                None,
            )
            for output in work_on.decide(record):
                await topics[output.topic].send(
                    key=output.key, value=output.value, partition=message.partition
                )

    faust.Worker(app, loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main(Work.read(Path(sys.argv[1])))
