"""How many rows a second the sink stores, from a backlog, with the guard checking each."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from confluent_kafka import Producer

from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records.audit import AuditEntry
from aegis_streams.names import AUDIT
from aegis_streams.records import Records
from aegis_streams.sink.connectors import addresses_of, apply_connectors, load_connectors
from support.leaf_bodies import LEAF_TIME, decision_body
from support.processes import tree_usage
from support.sink import running_sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.plan import Plan
    from support.sink import SinkStack

PARTITIONS: Final = 4
CONNECTOR: Final = "aegis-audit"
_DEADLINE_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.1
_BATCH: Final = 5_000


class Rates(NamedTuple):
    """One backlog.

    Attributes:
        per_second: Rows a second.
        per_cpu_second: Rows per second of CPU of Connect and PostgreSQL together.
    """

    per_second: float
    per_cpu_second: float


def measure(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Work off backlogs of leaves; the median round counts."""
    rounds = []
    with running_sink() as sink:
        apply_connectors(sink.rest, load_connectors(addresses_of(sink.deployment.settings)))
        _await(sink, PARTITIONS)  # the leaves of genesis
        for number in range(plan.rounds):
            rounds.append(_round(sink, number, plan.records // PARTITIONS))
            say(f"sink: {rounds[-1].per_second:,.0f} rows/s")
        refused = len(sink.refused())
    return {
        "rows": plan.records // PARTITIONS * PARTITIONS,
        "per_second": statistics.median(each.per_second for each in rounds),
        "per_cpu_second": statistics.median(each.per_cpu_second for each in rounds),
        "rounds": [each.per_second for each in rounds],
        "body_bytes": len(decision_body()),
        "refused": refused,
    }


def _round(sink: SinkStack, number: int, count: int) -> Rates:
    """Measure from the first row to the last."""
    sink.rest.stop(CONNECTOR)
    before = _stored(sink)
    _produce(sink, number, count)
    sink.rest.resume(CONNECTOR)
    while (first := _stored(sink)) == before:
        time.sleep(_POLL_SECONDS)
    began, cpu = time.monotonic(), _cpu(sink)
    _await(sink, before + count * PARTITIONS)
    rows = before + count * PARTITIONS - first
    return Rates(rows / (time.monotonic() - began), rows / max(0.01, _cpu(sink) - cpu))


def _cpu(sink: SinkStack) -> float:
    """CPU seconds of Connect and of PostgreSQL with its processes so far."""
    spent = 0.0
    for name in ("connect", "postgres"):
        identity = sink.servers.child(name).identity
        assert identity is not None
        spent += tree_usage(identity.pid).cpu
    return spent


def _produce(sink: SinkStack, number: int, count: int) -> None:
    settings = sink.deployment.settings
    records = Records(settings.registry_url)
    producer = Producer(
        {
            "bootstrap.servers": settings.bootstrap,
            "transactional.id": "bench-sink",
            "compression.type": "zstd",
            "linger.ms": 20,
        }
    )
    producer.init_transactions(60)
    for partition in range(PARTITIONS):
        log = f"aegis/bench/{number + 1}/{partition}"
        producer.begin_transaction()
        for done, entry in enumerate(_leaves(log, count), start=1):
            producer.produce(AUDIT, records.audit(entry), b"agent", partition)
            if done % _BATCH == 0:
                producer.flush()
        producer.commit_transaction(60)


def _leaves(log: str, count: int) -> Iterator[AuditEntry]:
    previous, body = ZERO_HASH, decision_body()
    leaf = leaf_hash(body)
    for sequence in range(count):
        entry = entry_hash(previous, leaf)
        yield AuditEntry(
            log, sequence, previous, leaf, entry, body, "DecisionMade", LEAF_TIME, "release-bot",
            f"p-{sequence}", f"d-{log}-{sequence}", "proceed", None,
        )  # fmt: skip
        previous = entry


def _stored(sink: SinkStack) -> int:
    with sink.auditor() as auditor:
        rows = auditor.execute("select coalesce(sum(next_sequence), 0) from aegis.audit_heads")
        return int(rows.fetchall()[0][0])


def _await(sink: SinkStack, count: int) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while _stored(sink) < count:
        if time.monotonic() > deadline:
            raise AssertionError(f"{_stored(sink)} of {count} rows after {_DEADLINE_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
