"""Every metric name of the stream workers, in one place.

Names without a unit in the name count things. Labels are bounded: statuses, gates, reasons and
partitions are small closed sets.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1, 5, 10, 50, 100, 500, 1_000, 2_500, 5_000)


class Metrics:
    """The metrics of one worker in a registry of their own."""

    def __init__(self, worker: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.worker = worker
        self._decisions()
        self._batches()
        self._partitions()
        self._sealing()

    def forget(self, partition: int) -> None:
        """Show nothing more of what the decider says about a partition."""
        for gauge in (self.remembered, self.horizon_limit, self.divergence, self.drifting,
                      self.parameters):  # fmt: skip
            gauge.remove_by_labels({"partition": str(partition)})

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def _decisions(self) -> None:
        self.decisions = self._counter(
            "aegis_decisions_total", "Decisions committed, by status", "status"
        )
        self.gates = self._counter(
            "aegis_gates_evaluated_total", "Gates of committed decisions", "gate", "outcome"
        )
        self.proposals = self._counter(
            "aegis_proposals_total", "Inputs committed, by what became of them", "state"
        )
        self.remembered = self._gauge(
            "aegis_active_proposals", "Proposal ids remembered within the horizon", "partition"
        )
        self.horizon_limit = self._gauge(
            "aegis_horizon_limit", "Most proposal ids a partition may remember", "partition"
        )
        self.divergence = self._gauge(
            "aegis_kl_divergence",
            "Largest divergence in nats in the latest batch of the partition that judged any",
            "partition",
            "feature",
        )
        self.drifting = self._gauge(
            "aegis_drift_agents",
            "Agents whose window stands at this status, whether they send or not",
            "partition",
            "feature",
            "status",
        )
        self.dead_letters = self._counter(
            "aegis_dead_letters_total", "Inputs refused, by reason", "reason"
        )
        self.latency = self._histogram(
            "aegis_latency_seconds", "Time of an operation on a batch", SECONDS, "operation"
        )
        self.decision_latency = self._histogram(
            "aegis_decision_latency_seconds",
            "From the broker taking an input to its batch being ready here",
            SECONDS,
        )
        self.errors = self._counter(
            "aegis_errors_total", "Failures of a component, recovered or not", "component"
        )
        self.parameters = self._gauge(
            "aegis_parameters_info", "Active parameters and mode (always 1)", "partition", "sha256",
            "mode", "evaluator",
        )  # fmt: skip

        self.overrides = self._counter(
            "aegis_override_requests_total", "Override requests, by outcome", "outcome"
        )
        self.overrides.labels("granted")  # nobody can ask for one yet; the name is there, at zero

    def _batches(self) -> None:
        self.batch_records = self._histogram(
            "aegis_batch_records", "Records in a committed batch", SIZES
        )
        self.batch_limit = self._gauge("aegis_batch_records_limit", "Most records a batch may hold")
        self.commit_seconds = self._histogram(
            "aegis_commit_seconds", "From writing the state to the commit being known", SECONDS
        )
        self.aborts = self._counter(
            "aegis_aborts_total", "Batches undone and tried again, by cause", "cause"
        )
        self.stalled = self._gauge(
            "aegis_stalled", "Partitions that wait on purpose instead of being decided", "reason"
        )

    def _partitions(self) -> None:
        self.owned = self._gauge("aegis_partitions_owned", "Partitions this worker holds")
        self.unowned = self._gauge("aegis_partitions_unowned", "Partitions that nobody holds")
        self.lag = self._gauge("aegis_lag_records", "Records not yet taken", "topic", "partition")
        self.restore_seconds = self._histogram(
            "aegis_restore_seconds", "From being given a partition to its first record", SECONDS
        )
        self.restored = self._counter(
            "aegis_restored_records_total", "Changelog records read to rebuild tables"
        )

    def _sealing(self) -> None:
        self.seal_seconds = self._histogram(
            "aegis_seal_seconds", "Checking, growing the tree and signing one batch", SECONDS
        )
        self.leaves = self._counter("aegis_leaves_sealed_total", "Leaves sealed", "kind")
        self.tree_size = self._gauge("aegis_tree_size", "Leaves under the last checkpoint", "log")
        self.checkpoints = self._counter(
            "aegis_checkpoints_total", "Checkpoints signed and committed"
        )
