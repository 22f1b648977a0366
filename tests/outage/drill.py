"""A server of the sink is stopped under load and started again; then every leaf is one row."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from aegis_streams.stack.processes import wait_until
from support.deciding import proposal
from support.sink import SETTLE_SECONDS

if TYPE_CHECKING:
    from support.sink import SinkStack

SERVERS: Final = ("postgres", "connect", "registry")
PAUSE_SECONDS: Final = 0.2


class Outage(NamedTuple):
    """What an outage did.

    Attributes:
        server: What was stopped.
        seconds: How long it was away.
        leaves: Leaves committed meanwhile.
        caught_up_seconds: From its return until every leaf was a row.
        differences: Leaves that are not the row of the same place, and the other way round.
        refused: Records that came into quarantine meanwhile.
    """

    server: str
    seconds: float
    leaves: int
    caught_up_seconds: float
    differences: int
    refused: int

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled or changed."""
        return self.leaves > 0 and not self.differences and not self.refused


class Load:
    """Submits proposals at a steady rate until it is told to stop.

    Args:
        sink: Where to.
        rate: Proposals a second.
    """

    def __init__(self, sink: SinkStack, rate: int) -> None:
        self._sink = sink
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self.submitted = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        batch = max(1, round(self._rate * PAUSE_SECONDS))
        while not self._stop.wait(PAUSE_SECONDS):
            self._sink.deployment.submit([self._proposal() for _ in range(batch)])

    def _proposal(self) -> dict[str, Any]:
        self.submitted += 1
        number = f"{time.time_ns()}-{self.submitted}"
        return proposal(number, agent_id=f"agent-{self.submitted % 16}")


def outage(sink: SinkStack, server: str, seconds: float, rate: int) -> Outage:
    """Take a server away under load, bring it back, and compare leaf by leaf afterwards.

    Args:
        sink: The deployment; its workers and its keeper run.
        server: One of `SERVERS`.
        seconds: How long it is away.
        rate: Proposals a second.
    """
    before, refused = len(sink.leaves()), len(sink.refused())
    child = sink.servers.child(server)
    with Load(sink, rate) as load:
        time.sleep(1)  # the load is under way
        child.kill()
        time.sleep(seconds)  # the outage itself
        child.start()
        child.wait_ready()
        back = time.monotonic()
        time.sleep(1)  # load meets the server again
    wanted = before + load.submitted
    assert wait_until(lambda: len(sink.leaves()) >= wanted, SETTLE_SECONDS), "not all are decided"
    leaves = sink.leaves()
    sink.await_rows(len(leaves))
    caught_up = time.monotonic() - back
    rows = sink.rows()
    return Outage(
        server,
        seconds,
        len(leaves) - before,
        caught_up,
        len(leaves.items() ^ rows.items()),
        len(sink.refused()) - refused,
    )
