from __future__ import annotations

import json
import os
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.log.chain import ZERO_HASH
from aegis_codecs.records.proposals import ProposalDecoder
from aegis_governance.evaluators import CURRENT
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.decide.identity import InputRecord
from aegis_streams.decide.processor import Processor, Tables
from aegis_streams.kafka.partitions import murmur2_partition
from aegis_streams.names import AUDIT, DEAD_LETTERS, INPUT_TOPICS, PROPOSALS
from aegis_streams.records import Records
from bench.bare_loop import Slice
from bench.meter import Rate, follow
from bench.peers.__main__ import all_agree, main
from bench.peers.agreement import compare
from bench.peers.figures import summarised
from bench.peers.one_by_one import OneByOne
from bench.peers.programs import PROJECT, REQUIREMENTS, kafka_version
from bench.peers.rounds import CONTENDERS, rotated
from bench.peers.work import Work, tables
from bench.workload import parameters, submissions, write_parameters
from support.schema_registry import fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aegis_codecs.records.audit import AuditEntry

ROOT = Path(__file__).resolve().parents[2]
START = 1_763_900_000_000


def head() -> Head:
    config = parameters()
    offsets = dict.fromkeys(INPUT_TOPICS, 0)
    return Head("bench/local/1/0", 4, 1, ZERO_HASH, START, offsets, config.sha256(), CURRENT)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    with fake_registry() as registry:
        yield Work(
            name="bench-test",
            bootstrap="",
            registry_url=registry.url,
            partitions=4,
            proposals=PROPOSALS,
            audit="a",
            dead_letters="d",
            heads=[json.loads(head().to_bytes())],
            parameters={},
            parameters_file=str(write_parameters(tmp_path / "parameters.json")),
            parameters_sha256="",
            evaluator=CURRENT,
            schema_ids={},
            schemas="",
            state=str(tmp_path),
            commit_ms=1,
            tables=tables(),
        )


def inputs(records: Records, count: int) -> list[InputRecord]:
    load = submissions("peers", records.ids["ProposalSubmitted"])
    here = islice((each for each in load if murmur2_partition(each.key, 4) == 0), count)
    return [InputRecord(PROPOSALS, 0, n, START + n, s.key, s.value) for n, s in enumerate(here)]


def in_batches(records: Records, given: list[InputRecord]) -> list[AuditEntry]:
    found: list[AuditEntry] = []
    state = Tables(Slice(), Slice(), Slice())
    state.heads.put(HEAD_KEY, head().to_bytes())
    state.heads.put(PARAMETERS_KEY, parameters().to_bytes())
    decoder = ProposalDecoder(records.schemas)
    processor = Processor(
        0, state, decoder, lambda made: found.extend(entry for _, entry in made), lambda _: None
    )
    processor.process(given)
    return found


def test_one_by_one_gives_the_entries_of_a_batch(work: Work) -> None:
    records = Records(work.registry_url)
    given = inputs(records, 400)
    state: dict[str, Slice] = {}
    one_by_one = OneByOne(work, lambda name, _: state.setdefault(name, Slice()))
    made = [output for record in given for output in one_by_one.decide(record)]
    entries = [output.value for output in made if output.topic == AUDIT]
    assert entries == [records.audit(entry) for entry in in_batches(records, given)]
    assert any(output.topic == DEAD_LETTERS for output in made)
    assert Head.from_bytes(state["heads"][HEAD_KEY]).sequence == len(entries) + 1


def test_the_work_survives_its_file(work: Work) -> None:
    assert json.loads(json.dumps(work.tables)) == json.loads(json.dumps(tables()))
    assert Work.read(work.write()).heads == work.heads
    assert tuple(map(tuple, Work.read(work.write()).tables["erfc"])) == tables()["erfc"]


def test_a_difference_is_named(work: Work) -> None:
    records = Records(work.registry_url)
    entries = in_batches(records, inputs(records, 30))
    wanted = [[records.audit(entry) for entry in entries]]
    assert compare(wanted, wanted, records) == (len(entries), len(entries), "")
    other = entries[3]._replace(body=entries[4].body)
    found = compare(wanted, [[*wanted[0][:3], records.audit(other)]], records)
    assert found[:2] == (4, 3)
    assert "cause_offset 3 but 4" in found.first_difference


def test_every_contender_takes_its_turn_at_another_place() -> None:
    orders = [rotated(CONTENDERS, number) for number in range(3)]
    assert all(sorted(order) == sorted(CONTENDERS) for order in orders)
    for name in CONTENDERS:
        assert len({order.index(name) for order in orders}) == 3


def test_ratios_are_taken_within_a_round() -> None:
    rates = {
        "decide": [Rate(100, 1.0, 1.0), Rate(100, 4.0, 2.0), Rate(100, 2.0, 2.0)],
        "quix": [Rate(100, 2.0, 3.0), Rate(100, 8.0, 8.0), Rate(100, 8.0, 6.0)],
    }
    found = summarised(rates, {})
    assert found["quix"]["decide_times"] == {"per_second": 2.0, "per_cpu_second": 3.0}
    assert "decide_times" not in found["decide"]


@pytest.mark.parametrize(
    ("counts", "records"),
    [((0, 10, 20, 60, 97, 100), 77), ((0, 10, 100), 90), ((0, 100), 100)],
    ids=["commits inside", "one commit for all that counts", "one commit for everything"],
)
def test_a_rate_counts_between_commits(counts: tuple[int, ...], records: int) -> None:
    seen = iter(counts)
    (rate,) = follow([os.getpid()], lambda: next(seen), 0, 100)
    assert rate.records == records
    assert rate.seconds > 0


def test_agreement_needs_entries_and_all_of_them() -> None:
    def result(entries: int, equal: int) -> dict[str, object]:
        return {"contenders": {"quix": {"agreement": {"entries": entries, "equal": equal}}}}

    assert all_agree(result(5, 5))
    assert not all_agree(result(5, 4))
    assert not all_agree(result(0, 0))


def test_unknown_contenders_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["flink"])
    assert "there are decide" in capsys.readouterr().err


def test_the_java_peer_names_the_version_of_the_stack() -> None:
    assert kafka_version(PROJECT / "pom.xml") == kafka_version()


def test_the_peers_packages_leave_ours_alone() -> None:
    pinned = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
    ours = dict(pinned.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")))
    theirs = dict(pinned.findall(REQUIREMENTS.read_text(encoding="utf-8")))
    assert {"quixstreams", "cramjam"} <= set(theirs)
    assert set(ours) & set(theirs) == {
        "confluent-kafka"
    }, "only what Quix asks for in another version"
