from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.cimpl import NewTopic

from aegis_codecs.records import bodies, envelopes
from aegis_codecs.records.wire import WireDecoder, header
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.names import AUDIT, DEAD_LETTERS, DECISIONS, PROPOSALS
from aegis_streams.records import Records
from aegis_streams.seal.guard import Guard
from aegis_streams.stack.processes import wait_until
from support.deciding import AGENT, PARTITION, proposal
from support.deployment import Deployment
from support.raw_records import produce_header

if TYPE_CHECKING:
    from pathlib import Path

    from aegis_codecs.records.envelopes import SignedDecision
    from support.stack import RunningStack

pytestmark = pytest.mark.stack

DEADLINE = 60.0


@pytest.fixture
def deployment(stack: RunningStack, tmp_path: Path) -> Deployment:
    stack.clear()
    opened = Deployment(stack, tmp_path)
    opened.open()
    return opened


def decisions(deployment: Deployment) -> list[SignedDecision]:
    records = Records(deployment.settings.registry_url)
    decoder = WireDecoder(envelopes.signed_decision_codec(), records.schemas)
    return [decoder.decode(record.value or b"") for record in deployment.read(DECISIONS)]


def wait_decisions(deployment: Deployment, count: int) -> list[SignedDecision]:
    assert wait_until(lambda: len(decisions(deployment)) >= count, DEADLINE)
    return decisions(deployment)


def test_proposals_become_verifiable_decisions(deployment: Deployment) -> None:
    with deployment.workers() as (decider, sealer):
        deployment.submit([proposal(f"p-{n}", agent_id=f"agent-{n}") for n in range(20)])
        found = wait_decisions(deployment, 20)
        metrics = decider.get("/metrics") or ""
        assert 'aegis_decisions_total{status="proceed"} 20.0' in metrics
        assert 'aegis_gates_evaluated_total{gate="risk",outcome="passed"} 20.0' in metrics
        assert "aegis_batch_records_limit 5000.0" in metrics
        assert "aegis_checkpoints_total" in (sealer.get("/metrics") or "")
        assert (decider.get("/livez"), sealer.get("/livez")) == ("alive\n", "alive\n")
        assert (decider.stop(), sealer.stop()) == (0, 0)
    verifier = Verifier(load_trust(deployment.settings.trust_file))
    for decision in found:
        verified = verifier.verify_receipt(decision.receipt, decision.body)
        fields = bodies.decode(verified.body).fields
        assert fields["decision_id"] == decision.decision_id
        assert fields["status"] == decision.status == "proceed"
    assert {decision.proposal_id for decision in found} == {f"p-{n}" for n in range(20)}


def test_what_is_refused_is_kept_and_the_stream_goes_on(deployment: Deployment) -> None:
    producer = Producer(
        {"bootstrap.servers": deployment.stack.bootstrap, "partitioner": "murmur2_random"}
    )
    producer.produce(PROPOSALS, b"\0\0\0\xff\xffunknown schema", AGENT)
    producer.produce(PROPOSALS, b"neither Avro nor JSON", AGENT)
    producer.produce(PROPOSALS, b"x" * 60_000, AGENT)
    assert producer.flush(30) == 0
    key = AGENT.encode()
    value = b"value" * 1_000
    produce_header(deployment.stack.bootstrap, PROPOSALS, PARTITION, value, b"\xff", key=key)
    deployment.submit([proposal("good")])
    with deployment.workers() as (decider, _):
        (decision,) = wait_decisions(deployment, 1)
        assert decider.stop() == 0
    assert decision.proposal_id == "good"
    records = Records(deployment.settings.registry_url)
    decoder = WireDecoder(envelopes.dead_letter_codec(), records.schemas)
    letters = [decoder.decode(r.value or b"") for r in deployment.read(DEAD_LETTERS)]
    assert [letter.reason for letter in letters] == [
        "schema_unknown",
        "undecodable",
        "record_too_large",
        "content_type_unsupported",
    ]
    assert letters[2].value == b"x" * 60_000
    assert letters[3].value == value


def test_a_flood_of_unknown_schemas_is_refused_and_the_stream_goes_on(
    deployment: Deployment,
) -> None:
    count = 5_000
    producer = Producer(
        {"bootstrap.servers": deployment.stack.bootstrap, "partitioner": "murmur2_random"}
    )
    for number in range(count):
        producer.produce(PROPOSALS, header(1_000_000 + number) + b"x", AGENT)
    assert producer.flush(30) == 0
    deployment.submit([proposal("good")])
    with deployment.workers() as (decider, _):
        (decision,) = wait_decisions(deployment, 1)
        refused = f'aegis_dead_letters_total{{reason="schema_unknown"}} {count}.0'
        assert wait_until(lambda: refused in (decider.get("/metrics") or ""), DEADLINE)
        assert decider.stop() == 0
    assert decision.proposal_id == "good"


def test_an_unreachable_registry_stalls_and_nothing_is_refused(deployment: Deployment) -> None:
    with deployment.workers() as (decider, _):
        producer = Producer(
            {"bootstrap.servers": deployment.stack.bootstrap, "partitioner": "murmur2_random"}
        )
        with deployment.stack.frozen("registry"):
            producer.produce(PROPOSALS, b"\0\0\0\0\x63not fetched yet", AGENT)
            assert producer.flush(30) == 0
            stalled = 'aegis_stalled{reason="registry_unreachable"} 1.0'
            assert wait_until(lambda: stalled in (decider.get("/metrics") or ""), DEADLINE)
            assert deployment.read(DEAD_LETTERS) == []
        assert wait_until(lambda: len(deployment.read(DEAD_LETTERS)) == 1, DEADLINE)
        assert decider.process.poll() is None


def move_offset(deployment: Deployment, group: str, topic: str, offset: int) -> None:
    admin = deployment.stack.admin
    moved = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, PARTITION, offset)])]
    asked = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, PARTITION)])]

    def holds() -> bool:
        """The offsets of genesis may still be on their way into the group, and come last."""
        admin.alter_consumer_group_offsets(moved)[group].result(30)
        found = admin.list_consumer_group_offsets(asked, require_stable=True)[group].result(30)
        return bool(found.topic_partitions[0].offset == offset)

    assert wait_until(holds, DEADLINE)


@pytest.mark.parametrize(("role", "topic"), [("decide", PROPOSALS), ("seal", AUDIT)])
def test_a_moved_offset_is_refused(deployment: Deployment, role: str, topic: str) -> None:
    move_offset(deployment, f"aegis-{role}", topic, 1)
    with deployment.worker(role) as worker:
        assert worker.wait_end() != 0
        assert "nobody may move offsets of this group" in worker.log.read_text(encoding="utf-8")


@pytest.mark.parametrize(("role", "table"), [("decide", "heads"), ("seal", "tree")])
def test_lost_state_is_refused(deployment: Deployment, role: str, table: str) -> None:
    admin, topic = deployment.stack.admin, f"aegis-{role}-{table}-changelog"
    admin.delete_topics([topic])[topic].result(30)
    fresh = NewTopic(topic, 4, 1, config={"cleanup.policy": "compact"})

    def made() -> bool:
        """A topic's name is free only some time after its end."""
        with contextlib.suppress(KafkaException):
            admin.create_topics([fresh])[topic].result(30)
        return topic in admin.list_topics(timeout=10).topics

    assert wait_until(made, DEADLINE)
    with deployment.worker(role) as worker:
        assert worker.wait_end() != 0
        assert f"table {table}: empty" in worker.log.read_text(encoding="utf-8")


def test_the_sealer_refuses_a_history_it_did_not_sign(deployment: Deployment) -> None:
    deployment.submit([proposal()])
    with deployment.workers():
        wait_decisions(deployment, 1)
    origin = deployment.settings.origin(PARTITION)
    guard = Guard(deployment.settings.guard_dir, origin)
    last = guard.last()
    assert last is not None
    for path in deployment.settings.guard_dir.glob(f"*_{PARTITION}.guard"):
        path.unlink()
    guard.record(last._replace(root=bytes(32)))
    with deployment.worker("seal") as sealer:
        assert sealer.wait_end() != 0
        assert "was signed before" in sealer.log.read_text(encoding="utf-8")


def guards(deployment: Deployment) -> dict[str, int]:
    settings = deployment.settings
    found = {
        origin: Guard(settings.guard_dir, origin).last()
        for origin in map(settings.origin, range(settings.partitions))
    }
    return {origin: last.size for origin, last in found.items() if last is not None}


def test_the_sealer_refuses_to_go_on_without_its_guard(deployment: Deployment) -> None:
    partitions = deployment.settings.partitions
    deployment.submit([proposal()])
    with deployment.workers() as (_, sealer):
        wait_decisions(deployment, 1)
        assert wait_until(lambda: len(guards(deployment)) == partitions, DEADLINE)
        assert sealer.stop() == 0  # in order: all that was signed is committed
    sealed = guards(deployment)
    for path in deployment.settings.guard_dir.glob("*.guard"):
        path.unlink()
    with deployment.worker("seal") as sealer:
        assert sealer.wait_end() != 0
        assert "the guard is missing" in sealer.log.read_text(encoding="utf-8")
    assert guards(deployment) == {}
    trees = [f"{origin}@{size}" for origin, size in sealed.items()]
    deployment.environment["AEGIS_ACCEPT_GUARD"] = ",".join(trees)
    with deployment.worker("seal") as sealer:
        sealer.wait_ready()
        assert sealer.stop() == 0
    assert guards(deployment) == sealed
    del deployment.environment["AEGIS_ACCEPT_GUARD"]
    deployment.submit([proposal("next")])
    with deployment.workers():
        wait_decisions(deployment, 2)


def test_logs_are_json_lines(deployment: Deployment) -> None:
    with deployment.worker("seal") as sealer:
        sealer.wait_ready()
        assert sealer.stop() == 0
        text = sealer.log.read_text(encoding="utf-8")
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
