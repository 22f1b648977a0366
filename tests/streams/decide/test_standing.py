from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from aegis_governance.config import AegisConfig
from aegis_governance.evaluators.v1 import EvaluatorV1
from aegis_streams.decide import decider
from aegis_streams.decide.agents import standing_of
from aegis_streams.errors import ContinuityError
from aegis_streams.kafka.partitions import murmur2_partition
from support.decider import RunningDecider
from support.deciding import AGENT, JSON, PARTITION, PARTITIONS, Table, proposal
from support.schema_registry import fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = next(
    name
    for name in (f"other-{n}" for n in range(50))
    if murmur2_partition(name.encode(), PARTITIONS) == PARTITION
)
BASELINE = {"id": 'named "critical"', "edges": [0.5], "counts": [100, 1]}
DRIFTING = AegisConfig.from_dict(
    {
        "group_baselines": {"g": {"risk": BASELINE}},
        "groups": dict.fromkeys((AGENT, OTHER), "g"),
        "drift_minimum": 2,
    }
)
GAUGE = "aegis_drift_agents"


@pytest.fixture
def running() -> Iterator[RunningDecider]:
    with fake_registry() as registry:
        yield RunningDecider(registry.url, DRIFTING)


def send(
    running: RunningDecider, agent_id: str, risk: float, count: int = 3, *, commit: bool = True
) -> None:
    """Have some proposals of an agent decided."""
    values = [
        proposal(
            f"p-{running.offset}-{n}", agent_id=agent_id, risk_baseline=risk, risk_proposed=risk
        )
        for n in range(count)
    ]
    messages = running.messages([json.dumps(value).encode() for value in values], JSON)
    for message in messages:
        message.set_key(agent_id.encode())
    running.decide(messages, commit=commit)
    if not commit:
        running.offset -= count


def shown(running: RunningDecider, status: str = "critical") -> float | None:
    labels = {"partition": str(PARTITION), "feature": "risk", "status": status}
    return running.metrics.registry.get_sample_value(GAUGE, labels)


def test_a_critical_agent_stays_in_sight_whoever_sends(running: RunningDecider) -> None:
    assert shown(running) == 0
    send(running, AGENT, 0.8)
    assert shown(running) == 1
    send(running, OTHER, 0.1)
    send(running, "other-agent-without-baseline", 0.1)
    assert (shown(running), shown(running, "warning")) == (1, 0)
    send(running, OTHER, 0.8, count=20)
    assert shown(running) == 2
    send(running, AGENT, 0.1, count=200)
    assert shown(running) == 1


def test_it_is_in_sight_after_a_restart_and_gone_with_the_partition(
    running: RunningDecider,
) -> None:
    send(running, AGENT, 0.8)
    running.decider.released(PARTITION)
    assert shown(running) is None
    running.acquire()
    assert shown(running) == 1
    running.decider.released(PARTITION)
    of_partitions = [
        sample
        for family in running.metrics.registry.collect()
        for sample in family.samples
        if "partition" in sample.labels
    ]
    assert of_partitions == []


def test_what_was_undone_does_not_count(running: RunningDecider) -> None:
    send(running, AGENT, 0.8, commit=False)
    send(running, AGENT, 0.1)
    assert shown(running) == 0


def test_what_was_taken_back_does_not_count(
    running: RunningDecider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise ArithmeticError

    with monkeypatch.context() as patch:
        patch.setattr(EvaluatorV1, "judge", broken)
        send(running, AGENT, 0.8)
    send(running, AGENT, 0.1)
    assert shown(running) == 0


def test_the_table_is_counted_once_however_often_a_batch_is_undone(
    running: RunningDecider, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(running, AGENT, 0.8)
    monkeypatch.setattr(decider, "standing_of", lambda _: pytest.fail("counted again"))
    send(running, OTHER, 0.8, commit=False)
    send(running, OTHER, 0.8)
    assert shown(running) == 2


def test_the_table_and_the_running_count_agree(running: RunningDecider) -> None:
    for agent_id, risk in ((AGENT, 0.8), (OTHER, 0.8), (AGENT, 0.1), (OTHER, 0.8)):
        send(running, agent_id, risk, count=5)
        counted = standing_of(running.slices["drift"])
        for status in ("warning", "critical"):
            assert shown(running, status) == counted["risk", status]


@pytest.mark.parametrize("damaged", [b"", b'\0\0\0\x0c"critical"{{', b'\0\0\0\x0c{"critical":'])
def test_a_damaged_row_is_refused(damaged: bytes) -> None:
    with pytest.raises(ContinuityError, match=r"table drift: unreadable .* see docs/lost-state.md"):
        standing_of(Table({b"agent": damaged}))


def test_divergences_of_partitions_stand_beside_each_other(running: RunningDecider) -> None:
    def nats() -> Any:
        labels = {"partition": str(PARTITION), "feature": "risk"}
        return running.metrics.registry.get_sample_value("aegis_kl_divergence", labels)

    send(running, AGENT, 0.8)
    critical = nats()
    assert critical > 0.5
    send(running, "other-agent-without-baseline", 0.1)
    assert nats() == critical
