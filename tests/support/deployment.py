"""A whole deployment on the shared stack: topics, genesis, keys, workers as real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Producer

from aegis_streams.kafka.connection import connection
from aegis_streams.kafka.scan import Scanned, scan
from aegis_streams.names import PROPOSALS
from aegis_streams.records import Records
from aegis_streams.settings import ENVIRONMENT, Settings
from aegis_streams.stack.keys import ensure_keys
from aegis_streams.stack.probes import http_get
from aegis_streams.stack.processes import wait_until
from aegis_streams.topics import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.topics.ensure import EnsureReport
    from support.stack import RunningStack

START_SECONDS: Final = 60.0
END_SECONDS: Final = 60.0
COMMAND: Final = (
    sys.executable,
    "-c",
    "import sys; from aegis_governance.cli import main; sys.exit(main())",
)


class WorkerProcess:
    """A worker as a container runs it."""

    def __init__(self, role: str, slot: int, environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [*COMMAND, "worker", role, "--slot", str(slot)],
                env=environment,
                stdout=file,
                stderr=file,
            )

    def events(self) -> list[dict[str, Any]]:
        """Return the structured log lines so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    @property
    def port(self) -> int:
        """The port on which it serves metrics; waits until it says so."""
        found = [event for event in self.events() if "metrics_port" in event]
        if not found and wait_until(lambda: bool(self._ports()), START_SECONDS):
            found = self._ports()
        return int(found[-1]["metrics_port"])

    def _ports(self) -> list[dict[str, Any]]:
        return [event for event in self.events() if "metrics_port" in event]

    def get(self, path: str) -> str | None:
        """Return what its endpoint answers, None unless it is 200."""
        return http_get(self.port, path)

    def wait_ready(self) -> None:
        """Wait until readiness says yes."""
        if not wait_until(lambda: self.get("/readyz") is not None, START_SECONDS):
            raise AssertionError(f"not ready: {self.log.read_text(encoding='utf-8')[-3000:]}")

    def wait_end(self) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(END_SECONDS)

    def stop(self) -> int:
        """Ask it to end, as a supervisor does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end()


class Deployment:
    """Topics, genesis, keys and trust file in a directory of its own."""

    def __init__(self, stack: RunningStack, home: Path, **settings: object) -> None:
        self.stack = stack
        self.environment = {
            **os.environ,
            "AEGIS_HOME": str(home),
            "AEGIS_BOOTSTRAP": stack.bootstrap,
            "AEGIS_REGISTRY_URL": stack.registry_url,
            "AEGIS_LOCAL": "true",
            "AEGIS_REPLICATION": "1",
            "AEGIS_DECIDE_METRICS_PORT": "0",
            "AEGIS_SEAL_METRICS_PORT": "0",
            **{ENVIRONMENT[name]: str(value) for name, value in settings.items()},
        }
        self.settings = Settings.load(self.environment)

    def open(self) -> EnsureReport:
        """Make topics, genesis, keys and trust file."""
        ensure_keys(self.settings)
        return ensure(self.settings)

    @contextmanager
    def worker(self, role: str, slot: int = 0) -> Iterator[WorkerProcess]:
        """Run a worker for the length of a block; it is killed if the block leaves it running."""
        log = self.settings.home / f"{role}-{slot}.log"
        worker = WorkerProcess(role, slot, self.environment, log)
        try:
            yield worker
        finally:
            worker.process.kill()
            worker.process.wait()

    @contextmanager
    def workers(self) -> Iterator[tuple[WorkerProcess, WorkerProcess]]:
        """Run a decider and a sealer, ready."""
        with self.worker("decide") as decider, self.worker("seal") as sealer:
            decider.wait_ready()
            sealer.wait_ready()
            yield decider, sealer

    def submit(self, proposals: Sequence[dict[str, Any]]) -> None:
        """Produce proposals as JSON, keyed by agent."""
        producer = Producer({**connection(self.stack.bootstrap), "partitioner": "murmur2_random"})
        for proposal in proposals:
            producer.produce(
                PROPOSALS,
                json.dumps(proposal),
                str(proposal["agent_id"]),
                headers=[("content-type", b"application/json")],
            )
        assert producer.flush(30) == 0

    def read(self, topic: str) -> list[Scanned]:
        """Return the committed records of a topic, partition after partition."""
        partitions = range(self.settings.partitions)
        return [record for p in partitions for record in scan(self.settings.bootstrap, topic, p, 0)]

    def leaves(self) -> list[AuditEntry]:
        """Return the committed leaves, partition after partition."""
        records = Records(self.settings.registry_url)
        return [records.decode_audit(record.value) for record in self.read("aegis.audit")]

    def changed(self, **settings: Any) -> Settings:
        """Return the settings with some of them changed."""
        return replace(self.settings, **settings)
