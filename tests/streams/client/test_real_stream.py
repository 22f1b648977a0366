"""The client against a real deployment: broker, registry, decider and sealer."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from confluent_kafka import Producer, TopicPartition

from aegis_codecs.errors import RegistryUnreachableError
from aegis_codecs.records.envelopes import (
    CheckpointRecord,
    SignedDecision,
    checkpoint_codec,
    signed_decision_codec,
)
from aegis_codecs.records.proposals import to_json
from aegis_codecs.records.wire import WireEncoder, schema_id
from aegis_codecs.registry import Registry
from aegis_governance.cli import main
from aegis_streams.client import (
    DecisionFault,
    Delivered,
    NotPermittedError,
    PositionLostError,
    ProposalError,
    ProposalProducer,
    ReceiptBuilder,
    Refusal,
    RefusedDecision,
    VerifiedDecision,
    VerifyingDecisionConsumer,
    consumer,
    past,
)
from aegis_streams.client.codecs import decision_decoder
from aegis_streams.client.decisions import DecisionReader
from aegis_streams.client.past import PastDecisions
from aegis_streams.kafka.partitions import murmur2_partition
from aegis_streams.kafka.scan import Scanned, scan, watermarks
from aegis_streams.names import CHECKPOINTS, DECISIONS
from aegis_streams.stack.processes import wait_until
from support.decisions import proposal
from support.deployment import Deployment
from support.stack import unique

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aegis_streams.client.kafka import Record
    from support.stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

DEADLINE: Final = 60.0


@pytest.fixture(scope="module")
def deployment(
    stack: RunningStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    stack.clear()
    opened = Deployment(stack, tmp_path_factory.mktemp("client"))
    opened.open()
    with opened.workers():
        yield opened


@pytest.fixture
def command_line(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in deployment.environment.items():
        monkeypatch.setenv(name, value)


def fresh(**changes: Any) -> dict[str, Any]:
    return proposal(
        **{"proposal_id": unique("p"), "submitted_at": time.time_ns() // 10**6, **changes}
    )


def collect(
    decisions: VerifyingDecisionConsumer, count: int
) -> list[VerifiedDecision | RefusedDecision]:
    found: list[VerifiedDecision | RefusedDecision] = []

    def enough() -> bool:
        found.extend(decisions.poll(0.5))
        return len(found) >= count

    assert wait_until(enough, DEADLINE), found
    return found


def test_sent_decided_verified_permitted(deployment: Deployment) -> None:
    mine = fresh(metadata={"b": "2", "a": "1"}, agent_id=unique("agent"))
    risky = fresh(risk_proposed=0.8, agent_id=mine["agent_id"])
    places: list[Delivered] = []
    with VerifyingDecisionConsumer.connect(deployment.settings, start="latest") as decisions:
        decisions.poll(0.5)
        with ProposalProducer.connect(deployment.settings, places.append) as producer:
            producer.submit(mine)
            producer.submit(risky)
        found = collect(decisions, 2)
        proceed, halt = (each for each in found if isinstance(each, VerifiedDecision))
        assert [each.cause[1:] for each in (proceed, halt)] == [each[1:] for each in places]
        assert (proceed.status, halt.status) == ("proceed", "halt")
        permission = decisions.permit(proceed, mine)
        assert permission.decision_id == proceed.decision_id
        refusals = []
        for decision, about in ((halt, risky), (proceed, {**mine, "profit_proposed": 9.0})):
            with pytest.raises(NotPermittedError) as caught:
                decisions.permit(decision, about)
            refusals.append(caught.value.refusal)
        assert refusals == [Refusal.NOT_RELEASED, Refusal.OTHER_CONTENT]


def test_a_repeat_makes_no_decision_and_a_group_goes_on_where_it_committed(
    deployment: Deployment,
) -> None:
    settings, group = deployment.settings, unique("group")
    first, second = fresh(agent_id="agent-r"), fresh(agent_id="agent-r")

    def submit(*proposals: dict[str, Any]) -> None:
        with ProposalProducer.connect(settings) as producer:
            for each in proposals:
                producer.submit(each)

    seen: list[str] = []

    def saw(decisions: VerifyingDecisionConsumer, wanted: dict[str, Any]) -> bool:
        found = [each for each in decisions.poll(0.5) if isinstance(each, VerifiedDecision)]
        seen.extend(each.proposal_id for each in found if each.agent_id == "agent-r")
        return wanted["proposal_id"] in seen

    submit(first, first)
    with VerifyingDecisionConsumer.connect(settings, group=group, start="earliest") as decisions:
        assert wait_until(lambda: saw(decisions, first), DEADLINE)
        decisions.commit()
        remembered = decisions.seen
    submit(first, second)
    with VerifyingDecisionConsumer.connect(settings, group=group, seen=remembered) as decisions:
        assert wait_until(lambda: saw(decisions, second), DEADLINE)
    assert seen == [first["proposal_id"], second["proposal_id"]]


def test_a_new_group_sees_what_is_submitted_after_it_connected(deployment: Deployment) -> None:
    settings, mine = deployment.settings, fresh(agent_id=unique("agent"))
    with VerifyingDecisionConsumer.connect(settings, group=unique("group")) as decisions:
        with ProposalProducer.connect(settings) as producer:
            producer.submit(mine)
        assert last_decision(deployment, mine["agent_id"])  # it was decided before the first poll
        (found,) = collect(decisions, 1)
        assert isinstance(found, VerifiedDecision)
        assert found.proposal_id == mine["proposal_id"]


def test_a_second_member_takes_over_the_start_of_the_group(deployment: Deployment) -> None:
    settings, group, mine = deployment.settings, unique("group"), fresh(agent_id=unique("agent"))
    with VerifyingDecisionConsumer.connect(settings, group=group):
        with ProposalProducer.connect(settings) as producer:
            producer.submit(mine)
        assert last_decision(deployment, mine["agent_id"])
        second = VerifyingDecisionConsumer.connect(settings, group=group)
    with second as decisions:
        (found,) = collect(decisions, 1)
        assert isinstance(found, VerifiedDecision)
        assert found.proposal_id == mine["proposal_id"]


def test_a_service_that_starts_before_the_registry_loses_nothing(deployment: Deployment) -> None:
    settings, group, mine = deployment.settings, unique("group"), fresh(agent_id=unique("agent"))
    with VerifyingDecisionConsumer.connect(settings, group=group):
        pass
    with ProposalProducer.connect(settings) as producer:
        producer.submit(mine)
    assert last_decision(deployment, mine["agent_id"])
    away = replace(settings, registry_url="http://127.0.0.1:1/apis/ccompat/v7")
    with pytest.raises(RegistryUnreachableError):
        VerifyingDecisionConsumer.connect(away, group=group)
    with VerifyingDecisionConsumer.connect(settings, group=group) as decisions:
        (found,) = collect(decisions, 1)
        assert isinstance(found, VerifiedDecision)
        assert found.proposal_id == mine["proposal_id"]


def test_what_was_not_handed_out_is_not_committed(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, group, agent = deployment.settings, unique("group"), unique("agent")
    with VerifyingDecisionConsumer.connect(settings, group=group):
        pass
    with ProposalProducer.connect(settings) as producer:
        sent = [fresh(agent_id=agent) for _ in range(3)]
        for each in sent:
            producer.submit(each)
    assert wait_until(lambda: len(decisions_of(deployment, agent)) == 3, DEADLINE)
    read = DecisionReader.read
    seen: list[VerifiedDecision | RefusedDecision] = []

    def fails_at_the_second(reader: DecisionReader, record: Record) -> Any:
        if record.key == agent.encode() and record.offset != first.offset:
            raise RegistryUnreachableError("gone")
        return read(reader, record)

    first = decisions_of(deployment, agent)[0]
    with VerifyingDecisionConsumer.connect(settings, group=group) as decisions:
        monkeypatch.setattr(DecisionReader, "read", fails_at_the_second)
        seen += collect(decisions, 1)
        for _ in range(2):
            with pytest.raises(RegistryUnreachableError):
                poll_until_something(decisions)
            decisions.commit()
        monkeypatch.setattr(DecisionReader, "read", read)
    with VerifyingDecisionConsumer.connect(settings, group=group) as decisions:
        seen += collect(decisions, 2)
    found = [each.proposal_id for each in seen if isinstance(each, VerifiedDecision)]
    assert found == [each["proposal_id"] for each in sent]


def poll_until_something(decisions: VerifyingDecisionConsumer) -> None:
    assert wait_until(lambda: bool(decisions.poll(0.5)), DEADLINE)


def test_a_group_that_was_away_too_long_is_told(
    deployment: Deployment, stack: RunningStack
) -> None:
    settings, group, mine = deployment.settings, unique("group"), fresh(agent_id="agent-l")
    with VerifyingDecisionConsumer.connect(settings, group=group):
        pass
    with ProposalProducer.connect(settings) as producer:
        producer.submit(mine)
    assert last_decision(deployment, "agent-l")
    partition = murmur2_partition(b"agent-l", settings.partitions)
    after = decisions_of(deployment, "agent-l")[-1].offset + 1
    for done in stack.admin.delete_records([TopicPartition(DECISIONS, partition, after)]).values():
        done.result(30)
    with pytest.raises(PositionLostError, match=rf"\[{partition}\].*reset-offsets"):
        VerifyingDecisionConsumer.connect(settings, group=group)


def test_a_position_that_is_deleted_while_a_group_reads_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deployment.settings
    high = watermarks(settings.bootstrap, DECISIONS, 0)[1]
    beyond = [TopicPartition(DECISIONS, 0, high + 1_000)]
    monkeypatch.setattr(consumer, "start_positions", lambda *_: beyond)
    with VerifyingDecisionConsumer.connect(settings) as decisions:
        for _ in range(2):
            with pytest.raises(PositionLostError, match=r"\[0\].*reset-offsets"):
                poll_until_something(decisions)


def test_what_others_write_on_the_topic_is_refused(deployment: Deployment) -> None:
    settings = deployment.settings
    with ProposalProducer.connect(settings) as producer:
        producer.submit(fresh(risk_proposed=0.8, agent_id="agent-f"))
    genuine = last_decision(deployment, "agent-f")
    decode = decision_decoder(settings.registry_url)
    envelope = decode(genuine)
    number = schema_id(genuine)
    encoder: WireEncoder[SignedDecision] = WireEncoder(signed_decision_codec(), number)
    assert Registry(settings.registry_url).fetch(number)
    lies = [encoder.encode(envelope._replace(status="proceed")), b"nonsense", genuine]
    with VerifyingDecisionConsumer.connect(settings, start="earliest") as decisions:
        assert wait_until(lambda: "agent-f" in agents(decisions.poll(0.5)), DEADLINE)
        plain = Producer({"bootstrap.servers": settings.bootstrap, "partitioner": "murmur2_random"})
        for lie in lies:
            plain.produce(DECISIONS, lie, b"agent-f")
        assert plain.flush(30) == 0
        found = collect(decisions, 3)
    assert [each.finding for each in found if isinstance(each, RefusedDecision)] == [
        DecisionFault.COPIES_DIFFER,
        DecisionFault.UNREADABLE,
        DecisionFault.OLDER_THAN_SEEN,
    ]


def agents(found: list[VerifiedDecision | RefusedDecision]) -> set[str]:
    return {each.agent_id for each in found if isinstance(each, VerifiedDecision)}


def decisions_of(deployment: Deployment, agent: str) -> list[Scanned]:
    """Return what lies on the decisions topic about an agent."""
    settings = deployment.settings
    partition = murmur2_partition(agent.encode(), settings.partitions)
    found = scan(settings.bootstrap, DECISIONS, partition, 0)
    return [record for record in found if record.key == agent.encode()]


def last_decision(deployment: Deployment, agent: str) -> bytes:
    """Return the value of the newest record of an agent on the decisions topic."""
    assert wait_until(lambda: bool(decisions_of(deployment, agent)), DEADLINE)
    return decisions_of(deployment, agent)[-1].value or b""


def test_receipts_of_old_and_new_decisions_are_rebuilt(deployment: Deployment) -> None:
    settings = deployment.settings
    with ProposalProducer.connect(settings) as producer:
        for _ in range(30):
            producer.submit(fresh(agent_id="agent-m"))
    with VerifyingDecisionConsumer.connect(settings, start="earliest") as decisions:
        mine: list[VerifiedDecision] = []

        def all_there() -> bool:
            mine.extend(
                each
                for each in decisions.poll(0.5)
                if isinstance(each, VerifiedDecision) and each.agent_id == "agent-m"
            )
            return len(mine) == 30

        assert wait_until(all_there, DEADLINE)
    builder = ReceiptBuilder.connect(settings)
    for decision in (mine[0], mine[13], mine[29]):
        rebuilt = builder.rebuild(decision.decision_id)
        assert rebuilt.leaf.body == decision.leaf.body
        assert rebuilt.leaf.index == decision.leaf.index
        assert rebuilt.leaf.size >= decision.leaf.size


def test_decisions_of_long_ago_are_found_by_id(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deployment.settings
    with ProposalProducer.connect(settings) as producer:
        for _ in range(7):
            producer.submit(fresh(agent_id="agent-p"))
    assert wait_until(lambda: len(decisions_of(deployment, "agent-p")) == 7, DEADLINE)
    decode = decision_decoder(settings.registry_url)
    ids = [decode(each.value or b"").decision_id for each in decisions_of(deployment, "agent-p")]
    monkeypatch.setattr(past, "STEP", 3)
    partition = murmur2_partition(b"agent-p", settings.partitions)
    found = list(PastDecisions.connect(settings).find({ids[0]: partition, ids[5]: partition}))
    assert [each.decision_id for each in found] == [ids[5], ids[0]]


@pytest.mark.usefixtures("command_line")
def test_junk_beside_the_checkpoints_disables_nothing(
    deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = deployment.settings
    with ProposalProducer.connect(settings) as producer:
        producer.submit(fresh(agent_id="agent-j"))
    decision = decision_decoder(settings.registry_url)(last_decision(deployment, "agent-j"))
    kept, proof = tmp_path / "kept", tmp_path / "proof"
    assert main(["receipt", decision.decision_id, "-o", str(kept)]) == 0
    number = Registry(settings.registry_url).ensure_registered()["Checkpoint"]
    encoder: WireEncoder[CheckpointRecord] = WireEncoder(checkpoint_codec(), number)
    plain = Producer({"bootstrap.servers": settings.bootstrap})
    for partition in range(settings.partitions):
        log = settings.origin(partition)
        lie = encoder.encode(CheckpointRecord(log, 10**9, b"x", False))
        for value in (lie, b"nonsense", b"\0" * 40):
            plain.produce(CHECKPOINTS, value, log.encode(), partition)
    assert plain.flush(30) == 0
    assert main(["receipt", decision.decision_id, "-o", str(tmp_path / "again")]) == 0
    assert main(["consistency", "prove", str(kept), "-o", str(proof)]) == 0
    assert main(["consistency", "check", str(kept), str(proof)]) == 0
    assert "were signed" not in capsys.readouterr().err


@pytest.mark.usefixtures("command_line")
def test_commands_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, proof = tmp_path / "proposals.jsonl", tmp_path / "r.tlog-proof"
    mine = [fresh(agent_id="agent-c"), fresh(agent_id="agent-c", complexity_score=0.1)]
    source.write_text("\n".join([to_json(mine[0]), "nonsense", to_json(mine[1])]))
    assert main(["submit", str(source), "--json"]) == 65
    delivered = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["delivered"] for each in delivered] == [False, True, True]

    found: dict[str, Any] = {}

    def decided() -> bool:
        main(["watch", "--from", "earliest", "--timeout", "2", "--json"])
        for line in capsys.readouterr().out.splitlines():
            told = json.loads(line)
            if told.get("agent_id") == "agent-c":
                found[told["proposal_id"]] = told
        return len(found) == 2

    assert wait_until(decided, DEADLINE)
    statuses = [found[each["proposal_id"]]["status"] for each in mine]
    assert statuses == ["proceed", "halt"]

    proceed, halt = (found[each["proposal_id"]]["decision_id"] for each in mine)
    assert main(["receipt", proceed, "-o", str(proof)]) == 0
    assert main(["verify", str(proof), "--require", "proceed"]) == 0
    assert main(["receipt", halt, "-o", str(proof)]) == 0
    assert main(["verify", str(proof)]) == 0
    assert main(["verify", str(proof), "--require", "proceed"]) == 1
    assert main(["receipt", "d-unknown"]) == 66
    assert main(["watch", "--trust", str(tmp_path / "none.json"), "--limit", "1"]) == 2


def test_a_proposal_that_is_too_long_is_refused_before_it_is_sent(deployment: Deployment) -> None:
    long = fresh(metadata={str(n): "x" * 2_000 for n in range(30)})
    with ProposalProducer.connect(deployment.settings) as producer:
        with pytest.raises(ProposalError, match="at most 49152 are accepted"):
            producer.submit(long)
        assert producer.sent == 0
