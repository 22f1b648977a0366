"""Worker processes of the counting app, the hand that hurts them, and the oracle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.cimpl import NewTopic

from aegis_streams.kafka.connection import connection
from aegis_streams.stack.processes import wait_until
from aegis_streams.transport.outcome import END_OF_PARTITION
from support import transport_counter
from support.stack import RunningStack, unique

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTITIONS: Final = 4
SECONDS: Final = 90.0
"""Longest wait for the workers to be through with everything."""

_KEYS: Final = 200
_ATTEMPTS: Final = 4
_READ_SECONDS: Final = 15.0


class Verdict(NamedTuple):
    """What the oracle found; all but `inputs` and `outputs` must be zero."""

    inputs: int
    outputs: int
    lost: int
    doubled: int
    broken_chains: int
    wrong_keys: int


class Crew:
    """The workers of one group on topics of its own, restarted when they exit by themselves.

    Args:
        stack: Where Kafka is.
        logs: Directory for the workers' output.
        options: Further `TransportSettings` of all workers.
    """

    def __init__(self, stack: RunningStack, logs: Path, **options: Any) -> None:
        self.group = unique("crew")
        self.exits: list[int] = []
        self._stack = stack
        self._logs = logs
        self._options = json.dumps(options)
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._others: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._sent = 0
        self._topics = transport_counter.input_topics(self.group)
        self._genesis()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running, whatever happened."""
        self._over.set()
        for worker in (*self._workers.values(), *self._others):
            worker.kill()
            worker.wait()

    def start(self, slot: int, faults: str = "") -> None:
        """Start a worker; one that is frozen in the slot becomes a zombie."""
        if slot in self._workers:
            self._others.append(self._workers[slot])
        command = [sys.executable, transport_counter.__file__, self._stack.bootstrap, self.group]
        with (self._logs / f"{self.group}-{slot}.log").open("ab") as log:
            self._workers[slot] = subprocess.Popen(
                [*command, str(slot), faults, self._options], stdout=log, stderr=log
            )

    def kill(self, slot: int) -> None:
        """End a worker by SIGKILL."""
        self._workers[slot].kill()
        self._workers[slot].wait()

    def freeze(self, slot: int) -> subprocess.Popen[bytes]:
        """Stop a worker in its tracks and return it, to be thawed."""
        self._workers[slot].send_signal(signal.SIGSTOP)
        return self._workers[slot]

    def stopped(self, slot: int) -> bool:
        """Return whether a worker stands still."""
        stat = Path(f"/proc/{self._workers[slot].pid}/stat").read_text(encoding="ascii")
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def terminate(self, slot: int) -> int:
        """End a worker by SIGTERM; return its exit code."""
        _ask_to_end(self._workers[slot])
        return self._workers[slot].wait(SECONDS)

    def exit_code(self, slot: int) -> int:
        """Wait for the end of a worker that ends by itself."""
        code = self._workers[slot].wait(SECONDS)
        del self._workers[slot]
        return code

    def tend(self) -> None:
        """Start again whoever exited."""
        for slot, worker in list(self._workers.items()):
            code = worker.poll()
            if code is not None:
                self.exits.append(code)
                del self._workers[slot]
                self.start(slot)

    def send(self, records: int, rate: float) -> threading.Thread:
        """Send numbered records, every tenth to the sibling topic; returns the sending thread."""
        sending = threading.Thread(target=self._send, args=(self._sent, records, rate))
        self._sent += records
        sending.start()
        return sending

    def came_out(self, records: int) -> bool:
        """Tend the workers until so many records came out; False when time ran out."""

        def enough() -> bool:
            self.tend()
            return len(self.committed(transport_counter.output_topic(self.group))) >= records

        return wait_until(enough, SECONDS)

    def caught_up(self) -> bool:
        """Tend the workers until as many records came out as went in; False when time ran out."""
        return self.came_out(self._sent)

    def end(self) -> list[int]:
        """Drain the workers, end the zombies, and return the workers' exit codes."""
        for worker in self._others:
            worker.kill()
            worker.wait()
        for worker in self._workers.values():
            _ask_to_end(worker)
        return [worker.wait(SECONDS) for worker in self._workers.values()]

    def verdict(self) -> Verdict:
        """Compare what was committed with what went in."""
        inputs = [m for topic in self._topics for m in self.committed(topic)]
        outputs = self.committed(transport_counter.output_topic(self.group))
        truth = Counter(m.key() for m in inputs)
        seen = Counter((m.value() or b"").split()[0] for m in outputs)
        chains: Counter[bytes | None] = Counter()
        broken = 0
        for m in outputs:
            number = int((m.value() or b"").split()[1])
            broken += number != chains[m.key()] + 1
            chains[m.key()] = number
        changelog = self.committed(transport_counter.changelog_topic(self.group))
        table = {m.key(): int(m.value() or b"0") for m in changelog}
        return Verdict(
            inputs=len(inputs),
            outputs=len(outputs),
            lost=len({m.value() for m in inputs} - set(seen)),
            doubled=sum(seen.values()) - len(seen),
            broken_chains=broken,
            wrong_keys=sum(table.get(key) != number for key, number in truth.items()),
        )

    def committed(self, topic: str) -> list[Message]:
        """Return all records of a topic as a read-committed reader sees them."""
        for _ in range(_ATTEMPTS):
            found = self._read(topic)
            if found is not None:
                return found
        raise AssertionError(f"{topic}: {_ATTEMPTS} readers did not come to its end")

    def _read(self, topic: str) -> list[Message] | None:
        """Return what a new reader finds; None if it does not come to the end."""
        reader = Consumer(
            {
                **connection(self._stack.bootstrap),
                "group.id": "oracle",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
            }
        )
        reader.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(PARTITIONS)])
        left, found = set(range(PARTITIONS)), list[Message]()
        deadline = time.monotonic() + _READ_SECONDS
        while left and time.monotonic() < deadline:
            for message in reader.consume(10_000, 0.2):
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.code() == END_OF_PARTITION:
                    left.discard(message.partition() or 0)
        reader.close()
        return None if left else found

    def _send(self, first: int, records: int, rate: float) -> None:
        producer = Producer(
            {
                **connection(self._stack.bootstrap),
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "log_level": 0,
                "linger.ms": 5,
            }
        )
        failed: list[KafkaError] = []

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        started = time.monotonic()
        for number in range(first, first + records):
            ahead = (number - first) / rate - (time.monotonic() - started)
            if self._over.wait(max(ahead, 0)):
                return
            topic, key = self._topics[number % 10 == 9], b"k%d" % (number % _KEYS)
            producer.produce(topic, b"%d" % number, key, on_delivery=on_delivery)
            producer.poll(0)
        left = producer.flush(SECONDS)
        if (left or failed) and not self._over.is_set():
            raise AssertionError(f"{left} records could not be sent, {len(failed)}: {failed[:1]}")

    def _genesis(self) -> None:
        compacted = {transport_counter.changelog_topic(self.group): {"cleanup.policy": "compact"}}
        plain: Sequence[str] = (*self._topics, transport_counter.output_topic(self.group))
        topics = {**{topic: dict[str, str]() for topic in plain}, **compacted}
        self._stack.make(
            [NewTopic(name, PARTITIONS, 1, config=config) for name, config in topics.items()]
        )
        first = [TopicPartition(t, p, 0) for t in self._topics for p in range(PARTITIONS)]
        member = Consumer({**connection(self._stack.bootstrap), "group.id": self.group})
        if not wait_until(lambda: _commits(member, first), SECONDS):
            raise AssertionError(f"{self.group}: no offsets can be committed")
        member.close()


def _commits(member: Consumer, offsets: list[TopicPartition]) -> bool:
    """Commit offsets; a coordinator that has just begun may say that it loads."""
    try:
        member.commit(offsets=offsets, asynchronous=False)
    except KafkaException:
        return False
    return True


def _ask_to_end(worker: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM, to one that has just been started as soon as it listens."""
    wait_until(lambda: worker.poll() is not None or _listens(worker.pid), SECONDS)
    worker.terminate()


def _listens(pid: int) -> bool:
    """Return whether a process has a handler for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
