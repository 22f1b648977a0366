"""The core's metrics, without any package: a registry and the Prometheus text format.

``CORE_METRICS`` is the one list of names; an unlisted name is a type error for the caller and a
``KeyError`` at run time.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from aegis_governance.vocabulary import GATES, GateOutcome, PCWStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MetricName = Literal[
    "aegis_decisions_total",
    "aegis_gates_evaluated_total",
    "aegis_latency_seconds",
    "aegis_decision_latency_seconds",
    "aegis_proposals_total",
    "aegis_active_proposals",
    "aegis_kl_divergence",
    "aegis_override_requests_total",
    "aegis_errors_total",
]
"""Every metric of the core."""

LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of latency buckets in seconds, without infinity."""


class MetricSpec(NamedTuple):
    """What a metric is.

    Attributes:
        name: Its name.
        kind: ``counter``, ``gauge`` or ``histogram``.
        meaning: Its help text.
        labels: The names of its labels.
        known: Label values that are shown from the start, at zero.
    """

    name: MetricName
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()


class Sample(NamedTuple):
    """One value of a metric.

    Attributes:
        metric: The metric.
        name: The metric's name, for histograms with the suffix of the part.
        labels: Label values by name.
        value: The value.
    """

    metric: MetricName
    name: str
    labels: Mapping[str, str]
    value: float


CORE_METRICS: Final = (
    MetricSpec(
        "aegis_decisions_total",
        "counter",
        "Decisions by status.",
        ("status",),
        tuple((status.value,) for status in PCWStatus),
    ),
    MetricSpec(
        "aegis_gates_evaluated_total",
        "counter",
        "Gates by outcome.",
        ("gate", "outcome"),
        tuple((gate, outcome.value) for gate in GATES for outcome in GateOutcome),
    ),
    MetricSpec("aegis_latency_seconds", "histogram", "Latency by operation.", ("operation",)),
    MetricSpec("aegis_decision_latency_seconds", "histogram", "Latency of a whole decision."),
    MetricSpec(
        "aegis_proposals_total",
        "counter",
        "Proposals by state.",
        ("state",),
        (("evaluated",), ("refused",)),
    ),
    MetricSpec("aegis_active_proposals", "gauge", "Proposals being decided now."),
    MetricSpec(
        "aegis_kl_divergence", "gauge", "Latest divergence in nats, by feature.", ("feature",)
    ),
    MetricSpec(
        "aegis_override_requests_total", "counter", "Override requests by outcome.", ("outcome",)
    ),
    MetricSpec("aegis_errors_total", "counter", "Errors by component.", ("component",)),
)
"""Every metric of the core, in the order in which they are shown."""


class MetricRegistry:
    """Values of the core's metrics; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock: Final = Lock()
        self._specs: Final = {spec.name: spec for spec in CORE_METRICS}
        self._values: Final[dict[MetricName, dict[tuple[str, ...], float]]] = {
            spec.name: dict.fromkeys(spec.known or ((),) * (not spec.labels), 0.0)
            for spec in CORE_METRICS
            if spec.kind != "histogram"
        }
        self._histograms: Final[dict[MetricName, dict[tuple[str, ...], list[float]]]] = {
            spec.name: {} for spec in CORE_METRICS if spec.kind == "histogram"
        }

    def add(self, name: MetricName, *labels: str, amount: float = 1.0) -> None:
        """Add to a counter or gauge."""
        with self._lock:
            values = self._values[name]
            values[labels] = values.get(labels, 0.0) + amount

    def set(self, name: MetricName, value: float, *labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            self._values[name][labels] = value

    def observe(self, name: MetricName, seconds: float, *labels: str) -> None:
        """Add an observation to a histogram."""
        with self._lock:
            held = self._histograms[name].setdefault(labels, [0.0] * (len(LATENCY_BUCKETS) + 2))
            held[sum(bound < seconds for bound in LATENCY_BUCKETS)] += 1
            held[-1] += seconds

    def samples(self) -> list[Sample]:
        """Return all values, in the order of ``CORE_METRICS``."""
        with self._lock:
            return [sample for spec in CORE_METRICS for sample in self._samples(spec)]

    def render(self) -> str:
        """Return all values in the Prometheus text format."""
        by_metric: dict[str, list[str]] = {spec.name: [] for spec in CORE_METRICS}
        for sample in self.samples():
            by_metric[sample.metric].append(_line(sample))
        lines: list[str] = []
        for spec in CORE_METRICS:
            lines += (f"# HELP {spec.name} {spec.meaning}", f"# TYPE {spec.name} {spec.kind}")
            lines += by_metric[spec.name]
        return "\n".join(lines) + "\n"

    def _samples(self, spec: MetricSpec) -> Iterator[Sample]:
        for values, value in sorted(self._values.get(spec.name, {}).items()):
            yield Sample(spec.name, spec.name, dict(zip(spec.labels, values)), value)
        for values, held in sorted(self._histograms.get(spec.name, {}).items()):
            yield from _histogram_samples(spec.name, dict(zip(spec.labels, values)), held)


def _histogram_samples(
    metric: MetricName, labels: Mapping[str, str], held: list[float]
) -> Iterator[Sample]:
    running = 0.0
    bounds = (*(format(bound, "g") for bound in LATENCY_BUCKETS), "+Inf")
    for bound, count in zip(bounds, held):
        running += count
        yield Sample(metric, f"{metric}_bucket", {**labels, "le": bound}, running)
    yield Sample(metric, f"{metric}_sum", labels, held[-1])
    yield Sample(metric, f"{metric}_count", labels, running)


def _line(sample: Sample) -> str:
    value = sample.value
    shown = str(int(value)) if value == int(value) else repr(value)
    inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in sample.labels.items())
    return f"{sample.name}{{{inner}}} {shown}" if inner else f"{sample.name} {shown}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


PROCESS_METRICS: Final = MetricRegistry()
"""The registry that ``pcw_decide`` counts in."""
