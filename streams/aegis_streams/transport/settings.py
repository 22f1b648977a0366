"""Every limit of the driver, named and bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aegis_streams.transport.errors import TransportConfigError
from aegis_streams.transport.faults import FaultPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "slot": (0, 100_000),
    "session_timeout": (1, 300),
    "max_poll_interval": (30, 86_400),
    "batch_records": (1, 100_000),
    "batch_bytes": (65_536, 256 * 1024 * 1024),
    "batch_seconds": (0.05, 60),
    "linger": (0, 1),
    "batch_interval": (0, 1),
    "buffer_records": (1, 1_000_000),
    "buffer_bytes": (65_536, 1024 * 1024 * 1024),
    "barrier_timeout": (1, 600),
    "transaction_timeout": (1, 900),
    "commit_timeout": (1, 900),
    "batch_retries": (0, 1_000),
    "retry_backoff": (0, 10),
    "fence_timeout": (1, 600),
    "restore_timeout": (1, 86_400),
    "restore_stall_timeout": (1, 3_600),
    "restore_parallelism": (1, 64),
    "watchdog_timeout": (5, 3_600),
    "lag_interval": (0.1, 600),
    "group_interval": (0.1, 600),
    "drain_timeout": (1, 600),
    "exit_timeout": (0.1, 600),
    "message_bytes": (65_536, 64 * 1024 * 1024),
}


@dataclass(frozen=True)
class TransportSettings:
    """Where the driver connects, who it is, and how far everything may go.

    Times are in seconds, sizes in bytes.

    Attributes:
        bootstrap: Kafka bootstrap servers, ``host:port[,host:port...]``.
        group: Consumer group; equals the id of the Faust app, and begins every transactional id.
        siblings: Topics read together with the subscribed one: partition p of each of them is
            always assigned to the worker that owns partition p.
        slot: Number of this worker among its peers, such as a pod's ordinal. It makes the group
            membership static; two live processes with one slot fence each other.
        session_timeout: After this silence the group gives the worker's partitions away.
        max_poll_interval: The poll loop must come round at least this often.
        batch_records: Most records in one batch.
        batch_bytes: Most value bytes in one batch (a single larger record makes its own batch).
        batch_seconds: A batch is cut to what the agent should finish in this time, judged by
            the batch before it, so that a slow agent never outlives its transaction.
        linger: How long an idle partition waits for more records before it starts a batch.
        batch_interval: Least time from the start of a partition's batch to the start of its next
            one, unless a whole batch is waiting. A transaction costs the broker milliseconds, so
            that many small ones would wait for each other longer than for a few records more.
        buffer_records: Records fetched ahead, over all partitions; beyond this, polling rests. A
            partition whose records are withheld keeps its share and is fetched no further.
        buffer_bytes: The same in value bytes.
        barrier_timeout: Longest evaluation of one batch, deliberate stalls not counted.
        transaction_timeout: After this the broker aborts a transaction by itself.
        commit_timeout: Longest wait for the outcome of one commit, retries included.
        batch_retries: How often one batch may be aborted and repeated before the worker exits.
        retry_backoff: Pause before the first repetition; doubles up to one second.
        fence_timeout: Longest wait for fencing the former owner and for its stable offsets.
        restore_timeout: Longest restore of one partition.
        restore_stall_timeout: Longest pause without progress during a restore.
        restore_parallelism: Partitions restored at the same time.
        watchdog_timeout: Without any progress for this long, although there is work, the worker
            dumps all stacks and exits; so it does when it was in no group for this long.
        lag_interval: Pause between two measurements of lag.
        group_interval: Pause between two looks at the group, for partitions that it gives to nobody
            and for this worker's seat.
        drain_timeout: Longest orderly shutdown.
        exit_timeout: After a fault the process is ended by force when it lives longer than this.
        message_bytes: Largest record the producer accepts.
        compression: Compression of everything produced.
        client_config: Further librdkafka properties for all clients (security, tests).
        faults: Where to kill or freeze the process; empty outside the tests.
    """

    bootstrap: str
    group: str
    siblings: tuple[str, ...] = ()
    slot: int = 0
    session_timeout: float = 6.0
    max_poll_interval: float = 300.0
    batch_records: int = 5_000
    batch_bytes: int = 4 * 1024 * 1024
    batch_seconds: float = 2.0
    linger: float = 0.010
    batch_interval: float = 0.050
    buffer_records: int = 20_000
    buffer_bytes: int = 64 * 1024 * 1024
    barrier_timeout: float = 30.0
    transaction_timeout: float = 10.0
    commit_timeout: float = 15.0
    batch_retries: int = 10
    retry_backoff: float = 0.05
    fence_timeout: float = 30.0
    restore_timeout: float = 600.0
    restore_stall_timeout: float = 30.0
    restore_parallelism: int = 4
    watchdog_timeout: float = 60.0
    lag_interval: float = 5.0
    group_interval: float = 2.0
    drain_timeout: float = 30.0
    exit_timeout: float = 10.0
    message_bytes: int = 2 * 1024 * 1024
    compression: str = "zstd"
    client_config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    faults: FaultPlan = field(default_factory=FaultPlan)

    def __post_init__(self) -> None:
        for name in ("bootstrap", "group"):
            if not getattr(self, name):
                raise TransportConfigError(f"TransportSettings.{name} is empty; give it a value")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise TransportConfigError(
                    f"TransportSettings.{name}={value}: must be {low} to {high}"
                )
        longest = self.barrier_timeout + self.commit_timeout
        if self.max_poll_interval <= longest:
            raise TransportConfigError(
                f"TransportSettings.max_poll_interval={self.max_poll_interval}: must be longer "
                f"than barrier_timeout + commit_timeout = {longest}"
            )

    @property
    def instance_id(self) -> str:
        """Static group membership id of this worker."""
        return f"{self.group}-{self.slot}"

    def transactional_id(self, partition: int) -> str:
        """Return the transactional id of an input partition; whoever owns it fences the last."""
        return f"{self.group}-{partition}"

    def changelog(self, table: str) -> str:
        """Return the changelog topic of a table."""
        return f"{self.group}-{table}-changelog"
