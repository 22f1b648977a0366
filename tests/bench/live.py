"""Latency under a steady load, the gap after kill -9, and the restore of large tables."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import psutil
from confluent_kafka import Producer

from aegis_streams.decide.horizon import Seen, proposal_key
from aegis_streams.names import DECIDE_GROUP, PROPOSALS, changelog
from aegis_streams.stack.processes import wait_until
from bench.meter import Offsets, quantile
from bench.traffic import Traffic, sample
from bench.workload import agent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.arena import Arena
    from bench.plan import Plan
    from bench.traffic import Arrival
    from support.deployment import WorkerProcess

_CATCH_UP_SECONDS: Final = 90.0
_STEADY_SECONDS: Final = 2.0
_MANY_KEYS: Final = 500_000


def latency(arena: Arena, plan: Plan) -> dict[str, Any]:
    """Return how long proposals took from the produce call to a verified receipt."""
    with arena.deployment.workers():
        traffic = Traffic(arena.settings, arena.schema_id, plan.rate, "latency")
        with traffic:
            time.sleep(plan.warm_up + plan.seconds)
            traffic.stop_sending(_CATCH_UP_SECONDS)
    begun = min(traffic.sent.values()) + plan.warm_up
    counted = [name for name, sent in traffic.sent.items() if sent >= begun]
    verified = [1e3 * (traffic.arrivals[n].verified - traffic.sent[n]) for n in counted]
    consumed = [1e3 * (traffic.arrivals[n].consumed - traffic.sent[n]) for n in counted]
    found = {
        "offered_per_second": plan.rate,
        "proposals": len(counted),
        "verified_ms": _spread(verified),
        "consumed_ms": _spread(consumed),
    }
    arena.say(f"latency: {found['verified_ms']} ms to verified")
    return found


def failover(arena: Arena, plan: Plan) -> dict[str, Any]:
    """Return the longest silence of a partition after each kill -9 with a restart at once."""
    gaps: dict[str, list[float]] = {"decide": [], "seal": []}
    with ExitStack() as running:
        workers = dict(zip(gaps, running.enter_context(arena.deployment.workers()), strict=True))
        traffic = Traffic(arena.settings, arena.schema_id, plan.rate, "failover")
        running.enter_context(traffic)
        for role in [role for role in gaps for _ in range(plan.kills)]:
            time.sleep(_STEADY_SECONDS)
            killed = time.monotonic()
            workers[role] = _replaced(arena, role, workers[role], running)
            _caught_up(traffic, plan.rate)
            gaps[role].append(round(_longest_gap(traffic.arrivals.values(), killed), 2))
            arena.say(f"failover of {role}: {gaps[role][-1]} s")
        traffic.stop_sending(_CATCH_UP_SECONDS)
    return {f"{role}_seconds": found for role, found in gaps.items()}


def restore(arena: Arena, plan: Plan) -> dict[str, Any]:
    """Return how long a decider needs to rebuild a table of many keys."""
    _fill(arena, plan.keys)
    settings = arena.settings
    offsets = Offsets(settings.bootstrap, DECIDE_GROUP, PROPOSALS, settings.partitions)
    before = offsets.committed()
    sample(settings, arena.schema_id, 200, "restore")
    started = time.monotonic()
    with arena.deployment.worker("decide") as worker:
        if not wait_until(lambda: offsets.committed() >= before + 200, 300.0):
            raise AssertionError("nothing was decided after the restore")
        decided = time.monotonic() - started
        events = [e for e in worker.events() if e["message"] == "partition restored"]
        memory = psutil.Process(worker.process.pid).memory_info().rss
        worker.stop()
    offsets.close()
    seconds = max(float(event["seconds"]) for event in events)
    arena.say(f"restore: {plan.keys:,} keys in {seconds:.1f} s")
    found = {
        "keys": plan.keys,
        "records": sum(int(event["records"]) for event in events),
        "seconds": round(seconds, 2),
        "keys_per_second": round(plan.keys / seconds),
        "start_to_all_decided_seconds": round(decided, 2),
        "resident_mib": round(memory / 2**20),
    }
    if plan.keys >= _MANY_KEYS:  # with fewer the fixed cost of taking partitions over counts most
        found["seconds_per_million"] = round(seconds / plan.keys * 1e6, 1)
    return found


def _replaced(arena: Arena, role: str, worker: WorkerProcess, running: ExitStack) -> WorkerProcess:
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    return running.enter_context(arena.deployment.worker(role))


def _caught_up(traffic: Traffic, rate: int) -> None:
    time.sleep(_STEADY_SECONDS)
    if not wait_until(lambda: traffic.open < rate, _CATCH_UP_SECONDS):
        raise AssertionError(f"{traffic.open} proposals without a decision after a kill")


def _longest_gap(arrivals: Iterable[Arrival], since: float) -> float:
    times: dict[int, list[float]] = {}
    for arrival in list(arrivals):
        if arrival.verified >= since - 1.0:
            times.setdefault(arrival.partition, []).append(arrival.verified)
    return max(
        after - before
        for found in times.values()
        for before, after in zip(sorted(found), sorted(found)[1:], strict=False)
    )


def _fill(arena: Arena, keys: int) -> None:
    """Put that many remembered proposals into the changelog of the proposals table."""
    settings = arena.settings
    producer = Producer(
        {
            "bootstrap.servers": settings.bootstrap,
            "compression.type": "zstd",
            "linger.ms": 50,
            "queue.buffering.max.messages": 300_000,
            "delivery.report.only.error": True,
        }
    )
    now = int(time.time() * 1000)
    topic = changelog(DECIDE_GROUP, "proposals")
    for number in range(keys):
        identity = f"d-{number:08x}-0000-8000-8000-{number * 7919 % (1 << 48):012x}"
        value = Seen(now, number.to_bytes(32, "big"), identity, identity).to_bytes()
        key = proposal_key(agent(number), f"old-{number:09d}")
        while True:
            try:
                producer.produce(topic, value, key, number % settings.partitions)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    if producer.flush(120):
        raise AssertionError("the broker did not take the changelog")


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": round(quantile(values, 0.5), 1),
        "p90": round(quantile(values, 0.9), 1),
        "p99": round(quantile(values, 0.99), 1),
        "max": round(max(values), 1),
    }
