"""Producing the load at a steady rate, with the coordinates of every record that Kafka took."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from confluent_kafka import Producer

from aegis_streams.kafka.connection import connection
from aegis_streams.stack.processes import wait_until
from chaos.submissions import Sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import KafkaError, Message

    from chaos.mixture import Mixture
    from chaos.submissions import Submission

_TICK: Final = 0.02
_BURST: Final = 500
"""Most records handed over at once after the feeder was held up."""
_DELIVERY_MS: Final = 300_000
"""Longer than any outage of a run: no record may be given up."""


class Feeder:
    """Sends what a mixture makes until it is told to stop.

    Args:
        bootstrap: Kafka bootstrap servers.
        mixture: Makes the records.
        rate: Records a second.
        clock: Seconds since the run began.
    """

    def __init__(
        self, bootstrap: str, mixture: Mixture, rate: float, clock: Callable[[], float]
    ) -> None:
        self.sent: dict[tuple[str, int, int], Sent] = {}
        self.failures: list[str] = []
        self._mixture = mixture
        self._rate = rate
        self._clock = clock
        self._handed = 0
        self._stop = threading.Event()
        self._producer = Producer(
            {
                **connection(bootstrap),
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": _DELIVERY_MS,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._run, name="chaos-feeder", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Stop sending and wait until Kafka has taken everything.

        Raises:
            AssertionError: Something was not delivered within `seconds`, or refused.
        """
        self._stop.set()
        self._thread.join(seconds)
        wait_until(lambda: self._producer.flush(1) == 0, seconds)
        missing = self._handed - len(self.sent)
        if missing or self.failures:
            raise AssertionError(f"load: {missing} records not delivered; {self.failures[:3]}")

    def _run(self) -> None:
        began = self._clock()
        while not self._stop.wait(_TICK):
            due = int((self._clock() - began) * self._rate) - self._handed
            for _ in range(min(due, _BURST)):
                self._send(self._mixture.next())
            self._producer.poll(0)

    def _send(self, submission: Submission) -> None:
        kept = Sent.of(submission)

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self.failures.append(f"{submission.shape}: {error}")
                return
            self.sent[submission.topic, submission.partition, message.offset() or 0] = kept

        self._producer.produce(
            submission.topic,
            submission.value,
            submission.key,
            submission.partition,
            headers=list(submission.headers),
            on_delivery=delivered,
        )
        self._handed += 1
