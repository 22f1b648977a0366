"""A steady load from a process of its own, so that it waits for nobody else's turn."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import Producer

from aegis_streams.names import PROPOSALS
from bench.workload import submissions

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class Sender:
    """Sends proposals at a rate.

    Args:
        bootstrap: Kafka bootstrap servers.
        schema_id: Id of the proposals' schema.
        rate: Proposals a second.
        name: Begins the ids of the proposals.
    """

    def __init__(self, bootstrap: str, schema_id: int, rate: int, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._count = context.Value("L", 0)
        self._ended = context.Event()
        self._results, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_send,
            args=(bootstrap, schema_id, rate, name, self._count, self._ended, theirs),
            daemon=True,
        )

    @property
    def sent(self) -> int:
        """Different proposals sent so far."""
        return int(self._count.value)

    def start(self) -> None:
        """Begin to send."""
        self._process.start()

    def stop(self) -> dict[str, float]:
        """Send no more; return when the produce call of each proposal began, monotonic seconds.

        Raises:
            AssertionError: The broker did not take everything, or the process is gone.
        """
        self._ended.set()
        try:
            sent, left = self._results.recv() if self._results.poll(60) else ({}, 0)
        except EOFError:
            sent = {}
        if not sent:
            raise AssertionError(f"the sender does not answer (exit code {self._process.exitcode})")
        self._process.join()
        if left:
            raise AssertionError(f"the broker did not take {left} proposals")
        return dict(sent)

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _send(  # noqa: PLR0917 - what a process is given
    bootstrap: str,
    schema_id: int,
    rate: int,
    name: str,
    count: Any,
    ended: Any,
    results: Connection,
) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": 0,
            "compression.type": "zstd",
        }
    )
    sent: dict[str, float] = {}
    begun = time.monotonic()
    for number, each in enumerate(submissions(name, schema_id)):
        wait = begun + number / rate - time.monotonic()
        if ended.wait(wait) if wait > 0 else ended.is_set():
            break
        sent.setdefault(each.proposal_id, time.monotonic())
        producer.produce(PROPOSALS, each.value, each.key)
        producer.poll(0)
        count.value = len(sent)
    results.send((sent, producer.flush(30)))
