"""The oracle must be able to fail: evidence that lies, each lie by its name."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.records import bodies
from aegis_streams.decide.head import HEAD_KEY
from aegis_streams.names import AUDIT, COMMANDS, DECIDE_GROUP, PROPOSALS, SEAL_GROUP
from aegis_streams.seal.tree import TREE_KEY
from chaos.oracle.findings import Findings
from chaos.oracle.judge import judge
from chaos.oracle.log import Tree
from chaos.synthetic import ORIGIN, PARTITION, Synthetic

if TYPE_CHECKING:
    from chaos.oracle.evidence import Leaf, PartitionEvidence


@pytest.fixture(scope="module")
def synthetic() -> Synthetic:
    return Synthetic(seed=1, count=500)


@pytest.fixture
def evidence(synthetic: Synthetic) -> PartitionEvidence:
    return copy.deepcopy(synthetic.evidence)


def lies(synthetic: Synthetic, evidence: PartitionEvidence) -> Findings:
    findings = Findings()
    judge(evidence, synthetic.setting, findings)
    return findings


def first(evidence: PartitionEvidence, kind: str, after: int = 0) -> Leaf:
    return next(leaf for leaf in evidence.leaves[after:] if leaf.entry.kind == kind)


def changed(leaf: Leaf, **fields: object) -> Leaf:
    kind, found = bodies.decode(leaf.entry.body)
    body = bodies.encode(kind, {**found, **fields})
    return leaf._replace(entry=leaf.entry._replace(body=body))


def test_the_truth_passes(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    findings = lies(synthetic, evidence)
    assert findings.lines() == []
    assert len(evidence.leaves) > 200
    assert {leaf.entry.kind for leaf in evidence.leaves} >= {
        "DecisionMade",
        "InputRejected",
        "ProposalRepeated",
    }
    for kind in ("outcome", "chain", "replay_body", "table_value", "letter_differs"):
        assert findings.checked[kind] > 0


def test_a_lost_leaf(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    del evidence.leaves[20]
    found = lies(synthetic, evidence).first
    assert "leaf_missing" in found
    assert "chain" in found
    assert found["sequence"].where == f"{ORIGIN} leaf 20"


def test_a_lost_last_leaf(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.leaves.pop()
    found = lies(synthetic, evidence).first
    assert {"leaf_missing", "signature_disagrees", "tree_state"} <= found.keys()
    assert "sequence" not in found


def test_an_input_decided_twice(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.leaves.append(evidence.leaves[30])
    found = lies(synthetic, evidence).first
    assert "leaf_doubled" in found
    assert "leaf_missing" not in found


def test_a_leaf_about_no_input(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.leaves[10] = changed(evidence.leaves[10], cause_offset=987_654)
    found = lies(synthetic, evidence).first
    assert "offset 987654" in found["leaf_invented"].where
    assert "leaf_missing" in found


def test_leaves_swapped(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    leaves = evidence.leaves
    leaves[11], leaves[12] = leaves[12], leaves[11]
    assert {"sequence", "leaf_order"} <= lies(synthetic, evidence).first.keys()


def test_a_changed_body(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    leaf = first(evidence, "DecisionMade")
    evidence.leaves[leaf.entry.sequence] = changed(leaf, risk_value=0.123456)
    found = lies(synthetic, evidence).first
    assert {"chain", "decision_body", "signature_disagrees"} <= found.keys()
    assert "risk_value" in found["replay_body"].detail


def test_a_changed_status(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    leaf = next(each for each in evidence.leaves if each.entry.status == "halt")
    evidence.leaves[leaf.entry.sequence] = changed(leaf, status="proceed")
    found = lies(synthetic, evidence).first
    assert "proceed" in found["outcome"].detail
    assert "columns" in found


@pytest.mark.parametrize("text", ["a\0b", "x" * 129])
def test_a_copy_that_no_database_takes(
    text: str, synthetic: Synthetic, evidence: PartitionEvidence
) -> None:
    leaf = first(evidence, "InputRejected")
    entry = leaf.entry._replace(agent_id=text)
    evidence.leaves[entry.sequence] = leaf._replace(entry=entry)
    found = lies(synthetic, evidence).first
    assert found.keys() == {"columns", "copy_hostile"}
    assert found["copy_hostile"].where == f"{ORIGIN} leaf {entry.sequence}"


def test_a_cause_that_does_not_fit(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.leaves[15] = changed(evidence.leaves[15], cause_sha256=bytes(32))
    assert lies(synthetic, evidence).first["cause_differs"].where.endswith("leaf 15")


def test_a_consequence_of_another_input(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.leaves[15] = changed(evidence.leaves[15], ordinal=3)
    assert "consequence_misplaced" in lies(synthetic, evidence).first


def test_an_unreadable_body(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    leaf = evidence.leaves[15]
    evidence.leaves[15] = leaf._replace(entry=leaf.entry._replace(body=b"nothing"))
    assert "leaf_unreadable" in lies(synthetic, evidence).first


def test_a_log_without_its_beginning(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    del evidence.leaves[0]
    assert "genesis_missing" in lies(synthetic, evidence).first
    evidence.leaves.clear()
    assert "genesis_missing" in lies(synthetic, evidence).first


def test_a_repeat_decided_again(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    repeat, decided = first(evidence, "ProposalRepeated"), first(evidence, "DecisionMade")
    body = changed(decided, cause_offset=bodies.decode(repeat.entry.body).fields["cause_offset"])
    evidence.leaves[repeat.entry.sequence] = repeat._replace(
        entry=repeat.entry._replace(body=body.entry.body)
    )
    assert "ProposalRepeated" in lies(synthetic, evidence).first["outcome"].detail


def test_a_repeat_of_another_decision(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    repeat = first(evidence, "ProposalRepeated")
    evidence.leaves[repeat.entry.sequence] = changed(repeat, first_decision_id="d-other")
    assert "d-other" in lies(synthetic, evidence).first["repeat_names_another"].detail


def test_a_lost_decision(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    lost = evidence.decisions.pop(7)
    found = lies(synthetic, evidence).first
    assert lost.record.decision_id in found["decision_missing"].detail


def test_a_doubled_decision(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.decisions.insert(9, evidence.decisions[7])
    found = lies(synthetic, evidence).first
    assert set(found) == {"decision_doubled"}
    assert "record 9" in found["decision_doubled"].where


def test_an_invented_decision(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    keyed = evidence.decisions[7]
    evidence.decisions.append(keyed._replace(record=keyed.record._replace(decision_id="d-new")))
    assert set(lies(synthetic, evidence).first) == {"decision_invented"}


def test_a_decision_with_another_body(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    keyed = evidence.decisions[7]
    evidence.decisions[7] = keyed._replace(
        record=keyed.record._replace(body=evidence.decisions[8].record.body)
    )
    assert {"decision_body", "receipt_not_trusted"} == lies(synthetic, evidence).first.keys()


def test_a_copy_that_flatters(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    place = next(
        number for number, each in enumerate(evidence.decisions) if each.record.status == "halt"
    )
    keyed = evidence.decisions[place]
    evidence.decisions[place] = keyed._replace(record=keyed.record._replace(status="proceed"))
    assert set(lies(synthetic, evidence).first) == {"decision_copies"}


def test_a_receipt_of_a_neighbour(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    keyed, other = evidence.decisions[7], evidence.decisions[8]
    evidence.decisions[7] = keyed._replace(
        record=keyed.record._replace(receipt=other.record.receipt)
    )
    assert set(lies(synthetic, evidence).first) == {"receipt_not_trusted"}


def test_a_forked_journal(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.journal.append(Checkpoint(ORIGIN, 17, bytes(32)))
    found = lies(synthetic, evidence).first
    assert set(found) == {"signature_disagrees"}
    assert f"entry {len(evidence.journal) - 1}" in found["signature_disagrees"].where


def test_a_signature_over_leaves_that_do_not_exist(
    synthetic: Synthetic, evidence: PartitionEvidence
) -> None:
    beyond = Checkpoint(ORIGIN, len(evidence.leaves) + 5, bytes(32))
    evidence.journal.append(beyond)
    assert set(lies(synthetic, evidence).first) == {"signature_disagrees"}


def test_a_fork_that_only_uncommitted_readers_see(
    synthetic: Synthetic, evidence: PartitionEvidence
) -> None:
    fork = Checkpoint(ORIGIN, 17, bytes(32))
    evidence.loose_notes.append(synthetic.sign(fork))
    found = lies(synthetic, evidence).first
    assert set(found) == {"signature_disagrees", "signature_unrecorded"}


def test_an_honest_signature_of_an_aborted_batch(
    synthetic: Synthetic, evidence: PartitionEvidence
) -> None:
    tree = Tree(leaf.entry.body for leaf in evidence.leaves)
    again = Checkpoint(ORIGIN, 17, tree.root(17) or b"")
    evidence.journal.append(again)
    evidence.loose_notes.append(synthetic.sign(again))
    assert lies(synthetic, evidence).lines() == []


def test_a_checkpoint_nobody_signed(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.loose_notes.append(evidence.notes[3].replace(ORIGIN.encode(), b"aegis/local/1/0", 1))
    assert set(lies(synthetic, evidence).first) == {"checkpoint_not_trusted"}


def test_checkpoints_that_go_back(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.notes.insert(5, evidence.notes[2])
    assert set(lies(synthetic, evidence).first) == {"checkpoint_order"}


def test_leaves_that_were_never_sealed(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.notes.pop()
    assert set(lies(synthetic, evidence).first) == {"not_sealed"}


def test_a_wrong_value_in_a_table(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    key = sorted(evidence.tables["proposals"])[3]
    evidence.tables["proposals"][key] = bytes(len(evidence.tables["proposals"][key]))
    found = lies(synthetic, evidence).first
    assert set(found) == {"table_value"}
    assert repr(key) in found["table_value"].where


def test_a_key_lost_from_a_table(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.tables["drift"].pop(min(evidence.tables["drift"]))
    assert set(lies(synthetic, evidence).first) == {"table_key_missing"}


def test_a_key_that_should_be_gone(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.tables["proposals"][b"agent\0ghost"] = b"?"
    assert set(lies(synthetic, evidence).first) == {"table_key_foreign"}


def test_a_head_one_input_behind(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    head = json.loads(evidence.tables["heads"][HEAD_KEY])
    head["offsets"][PROPOSALS] -= 1
    evidence.tables["heads"][HEAD_KEY] = json.dumps(head, separators=(",", ":")).encode()
    assert "head" in lies(synthetic, evidence).first["table_value"].where


@pytest.mark.parametrize(
    ("group", "topic"),
    [(DECIDE_GROUP, PROPOSALS), (DECIDE_GROUP, COMMANDS), (SEAL_GROUP, AUDIT)],
)
def test_an_offset_that_moved(
    synthetic: Synthetic, evidence: PartitionEvidence, group: str, topic: str
) -> None:
    evidence.offsets[group, topic] += 1
    found = lies(synthetic, evidence).first
    assert set(found) == {"offset"}
    assert f"{topic}[{PARTITION}]" in found["offset"].where


def test_a_tree_state_behind_its_leaves(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    state = json.loads(evidence.tree[TREE_KEY])
    state["next_offset"] -= 1
    evidence.tree[TREE_KEY] = json.dumps(state).encode()
    assert set(lies(synthetic, evidence).first) == {"tree_state"}


def test_a_lost_dead_letter(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    lost = evidence.letters.pop(4)
    assert lost.reason in lies(synthetic, evidence).first["letter_missing"].detail


def test_a_doubled_dead_letter(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.letters.append(evidence.letters[4])
    assert set(lies(synthetic, evidence).first) == {"letter_doubled"}


def test_a_dead_letter_about_nothing(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.letters.append(evidence.letters[4]._replace(sequence=0))
    assert set(lies(synthetic, evidence).first) == {"letter_invented"}


def test_a_dead_letter_with_other_bytes(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.letters[4] = evidence.letters[4]._replace(value=b"something else")
    assert set(lies(synthetic, evidence).first) == {"letter_differs"}


def test_an_input_gone_from_its_topic(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    evidence.inputs[PROPOSALS].pop(12)
    found = lies(synthetic, evidence).first
    assert {"input_lost", "leaf_invented"} <= found.keys()


def test_an_input_that_nobody_sent(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    del evidence.sent[PROPOSALS, 12]
    assert "offset 12" in lies(synthetic, evidence).first["input_foreign"].where


def test_an_input_that_the_producer_delivered_twice(
    synthetic: Synthetic, evidence: PartitionEvidence
) -> None:
    seen: set[tuple[object, ...]] = set()
    for (topic, offset), sent in sorted(evidence.sent.items()):
        if (topic, *sent[1:3]) in seen:
            repeated = offset
        seen.add((topic, *sent[1:3]))
    del evidence.sent[PROPOSALS, repeated]
    findings = lies(synthetic, evidence)
    assert findings.lines() == []
    assert findings.checked["input_delivered_twice"] == 1


def test_an_input_changed_on_the_broker(synthetic: Synthetic, evidence: PartitionEvidence) -> None:
    record = evidence.inputs[PROPOSALS][12]
    evidence.inputs[PROPOSALS][12] = record._replace(value=b"other bytes")
    assert {"input_changed", "cause_differs"} <= lies(synthetic, evidence).first.keys()


def test_only_the_first_of_a_kind_is_named(
    synthetic: Synthetic, evidence: PartitionEvidence
) -> None:
    evidence.letters.clear()
    findings = lies(synthetic, evidence)
    assert len(findings.lines()) == 1
    assert findings.counts["letter_missing"] > 10
