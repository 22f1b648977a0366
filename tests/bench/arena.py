"""Where a bench takes place: a deployment on servers of its own, and what is done to it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from confluent_kafka import Producer
from confluent_kafka.cimpl import NewTopic

from aegis_streams.decide.head import HEAD_KEY
from aegis_streams.kafka.scan import scan
from aegis_streams.names import TOPICS
from aegis_streams.topics.ensure import list_topics
from aegis_streams.topics.genesis import HEADS_CHANGELOG
from bench import bare_loop
from bench.meter import Offsets
from bench.workload import produce, write_parameters
from support.deployment import Deployment
from support.stack import LocalEngine, RunningStack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aegis_streams.settings import Settings

_TESTS: Final = Path(__file__).resolve().parent.parent


class Arena:
    """A deployment that was just opened; `fresh` opens another one in its place.

    Attributes:
        schemas: Id of each of our schemas.
        heads: Per partition the head that genesis wrote, as the table of heads holds it.

    Args:
        stack: The servers; all their topics are removed.
        say: Shows progress.
    """

    def __init__(self, stack: RunningStack, say: Callable[[str], None]) -> None:
        self.stack = stack
        self.say = say
        self._home = tempfile.TemporaryDirectory(prefix="aegis-bench-")
        self._number = 0
        self.deployment: Deployment
        self.schemas: Mapping[str, int] = {}
        self.heads: list[bytes] = []
        self.fresh()

    @property
    def settings(self) -> Settings:
        """The settings of the present deployment."""
        return self.deployment.settings

    @property
    def schema_id(self) -> int:
        """The id of the proposals' schema."""
        return self.schemas["ProposalSubmitted"]

    def fresh(self) -> None:
        """Remove everything and open a new deployment."""
        self._number += 1
        home = Path(self._home.name) / str(self._number)
        home.mkdir()
        self.stack.clear()
        parameters = write_parameters(home / "parameters.json")
        self.deployment = Deployment(self.stack, home, parameters_file=parameters)
        report = self.deployment.open()
        self.schemas = report.schemas
        self.heads = genesis_heads(self.settings)

    def close(self) -> None:
        """Remove the directory of keys and logs."""
        self._home.cleanup()

    def produce(self, name: str, count: int) -> None:
        """Put a backlog on the proposals topic."""
        producer = Producer(
            {
                "bootstrap.servers": self.stack.bootstrap,
                "partitioner": "murmur2_random",
                "compression.type": "zstd",
                "linger.ms": 20,
                # The broker's limit for one record, 64 KiB, counts for a batch of them too.
                "batch.size": 60_000,
                "queue.buffering.max.messages": 200_000,
                "delivery.report.only.error": True,
            }
        )
        seconds = produce(producer, name, self.schema_id, count)
        self.say(f"{count:,} proposals produced in {seconds:.1f} s")

    @contextmanager
    def bare_loop(self) -> Iterator[int]:
        """Run the bare loop for the length of a block; yields its process id."""
        settings = self.settings
        self.make_copies(bare_loop.COPIES)
        heads = settings.home / "genesis-heads"
        heads.write_bytes(b"\n".join(self.heads))
        command = [sys.executable, "-m", bare_loop.__name__, settings.bootstrap]
        command += [settings.registry_url, str(settings.parameters_file), str(heads)]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(_TESTS)})
        try:
            yield process.pid
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def offsets(self, group: str, topic: str) -> Iterator[Offsets]:
        """Follow a group's offsets on a topic for the length of a block."""
        offsets = Offsets(self.stack.bootstrap, group, topic, self.settings.partitions)
        try:
            yield offsets
        finally:
            offsets.close()

    def disk_bytes(self, topic: str) -> int | None:
        """Return what the broker keeps of a topic on disk; None if its disk is not at hand."""
        engine = self.stack.engine
        if not isinstance(engine, LocalEngine):
            return None
        folder = engine.place.layout.data("kafka")
        return sum(
            segment.stat().st_size
            for partition in range(self.settings.partitions)
            for segment in folder.rglob(f"{topic}-{partition}/*.log")
        )

    def broker_pid(self) -> int | None:
        """Return the broker's process, None if it runs elsewhere."""
        engine = self.stack.engine
        if not isinstance(engine, LocalEngine):
            return None
        identity = engine.child("kafka").identity
        return None if identity is None else identity.pid

    def make_copies(self, copies: Mapping[str, str]) -> None:
        """Make topics with the settings of ours: name of ours -> name of the new one."""
        configs = {spec.name: spec.config for spec in TOPICS}
        wanted = {copy: configs[name] for name, copy in copies.items()}
        present = list_topics(self.stack.admin)
        missing = [
            NewTopic(name, self.settings.partitions, 1, config=dict(config))
            for name, config in wanted.items()
            if name not in present
        ]
        if missing:
            self.stack.make(missing)


def genesis_heads(settings: Settings) -> list[bytes]:
    """Return, per partition, the head that genesis wrote, as the heads table holds it."""
    return [
        next(
            record.value
            for record in scan(settings.bootstrap, HEADS_CHANGELOG, partition, 0)
            if record.key == HEAD_KEY and record.value is not None
        )
        for partition in range(settings.partitions)
    ]
