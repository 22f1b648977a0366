"""The work: proposals of a fleet of agents with mixed outcomes, the same in every run.

About two thirds proceed. The others fail a gate at low or high impact, need a person, are sent
twice or are invalid. Half of the agents have approved baselines, so that their drift is judged.
"""

from __future__ import annotations

import random
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_codecs.records.proposals import ProposalEncoder
from aegis_governance.config import AegisConfig
from aegis_streams.names import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from confluent_kafka import KafkaError, Message, Producer

AGENTS: Final = 1_000
SEED: Final = 20_251
_COUNTS: Final = (30, 40, 20, 6, 2, 1, 1, 1, 1, 1)
_REPEATED: Final = 0.01
_INVALID: Final = 0.002


class Submission(NamedTuple):
    """A record to produce."""

    proposal_id: str
    key: bytes
    value: bytes


def agent(number: int) -> str:
    """Return the name of an agent of the fleet."""
    return f"deploy-agent-{number % AGENTS:04d}"


def parameters() -> AegisConfig:
    """Return the documented defaults, with approved baselines for every other agent."""
    baselines = {
        "risk": {"id": "bench-risk", "edges": [i / 10 for i in range(1, 10)], "counts": _COUNTS},
        "profit": {"id": "bench-profit", "edges": [90.0, 100.0, 110.0], "counts": [5, 20, 40, 20]},
    }
    return AegisConfig.from_dict(
        {
            "group_baselines": {"fleet": baselines},
            "groups": {agent(number): "fleet" for number in range(0, AGENTS, 2)},
        }
    )


def write_parameters(path: Path) -> Path:
    """Write the parameter file of the bench's deployments (JSON is YAML)."""
    path.write_bytes(parameters().to_bytes())
    return path


def proposals(name: str, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Yield proposals without end; `name` begins their ids."""
    rng = random.Random(seed)  # noqa: S311 - repeatable load, no secret
    for number in range(1 << 60):
        yield _proposal(f"{name}-{number:07d}", rng)


def submissions(name: str, schema_id: int, seed: int = SEED) -> Iterator[Submission]:
    """Yield encoded records without end, some repeated and some invalid."""
    rng = random.Random(seed + 1)  # noqa: S311 - repeatable load, no secret
    encode = ProposalEncoder(schema_id).encode
    for proposal in proposals(name, seed):
        identity, key = proposal["proposal_id"], proposal["agent_id"].encode()
        luck = rng.random()
        if luck < _INVALID:
            proposal["risk_proposed"] = 7.0
        submission = Submission(identity, key, encode(proposal))
        yield submission
        if luck > 1.0 - _REPEATED:
            yield submission


def produce(producer: Producer, name: str, schema_id: int, count: int) -> float:
    """Produce so many records as quickly as the broker takes them; return the seconds it took."""
    started = time.monotonic()
    failed: list[str] = []

    def on_delivery(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failed.append(str(error))

    for submission in islice(submissions(name, schema_id), count):
        while True:
            try:
                producer.produce(
                    PROPOSALS, submission.value, submission.key, on_delivery=on_delivery
                )
            except BufferError:
                producer.poll(0.1)
            else:
                break
    if producer.flush(120) or failed:
        raise AssertionError(f"the broker did not take the backlog: {failed[:1] or 'too slow'}")
    return time.monotonic() - started


def _proposal(identity: str, rng: random.Random) -> dict[str, Any]:
    number = rng.randrange(AGENTS)
    impact = rng.choices(("low", "medium", "high", "critical"), (40, 45, 12, 3))[0]
    risk = rng.betavariate(2, 8)
    profit = rng.gauss(100, 8)
    return {
        "proposal_id": identity,
        "submitted_at": 1_763_900_000_000 + rng.randrange(10**9),
        "agent_id": agent(number),
        "session_id": f"run-{rng.randrange(10**6):06d}",
        "phase": rng.choice(("plan", "execute", "execute", "verify")),
        "proposal_summary": f"Roll out build {rng.randrange(10**5)} of service {number % 40}",
        "estimated_impact": impact,
        "risk_baseline": round(risk, 4),
        "risk_proposed": round(min(1.0, risk * rng.choice((0.9, 1.0, 1.1, 1.3))), 4),
        "profit_baseline": profit,
        "profit_proposed": profit * rng.choice((0.99, 1.0, 1.02, 1.05)),
        "novelty_score": 0.6 if rng.random() < 0.06 else rng.uniform(0.7, 1.0),
        "complexity_score": 0.2 if rng.random() < 0.03 else rng.uniform(0.55, 1.0),
        "quality_score": 0.4 if rng.random() < 0.06 else rng.uniform(0.75, 1.0),
        "quality_subscores": [rng.uniform(0.75, 1.0) for _ in range(3)],
        "utility_result": _utility(rng) if rng.random() < 0.3 else None,
        "requires_human_approval": rng.random() < 0.04,
        "time_sensitive": rng.random() < 0.1,
        "reversible": rng.random() < 0.9,
        "shadow_mode": rng.random() < 0.02,
        "drift_baseline_data": None,
        "metadata": {"commit": f"{rng.getrandbits(160):040x}", "repository": "shop/checkout"},
    }


def _utility(rng: random.Random) -> dict[str, Any]:
    return {
        "mean": rng.uniform(0.5, 5.0),
        "variance": rng.uniform(0.0, 0.2),
        "lcb": None,
        "z_score": None,
        "components": {"revenue": rng.uniform(0.5, 5.0), "toil": -rng.random()},
    }
