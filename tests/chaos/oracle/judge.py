"""The oracle: judges what a run left behind, partition by partition.

1. every input has exactly one leaf with ordinal 0, none is invented (`inputs`);
2. every leaf says what a model of the load says, which knows nothing of the product (`inputs`);
3. chain and tree, recomputed from the bodies (`log`);
4. every new proposal has exactly one decision with the leaf's bytes and a receipt that verifies
   with the trust file, repeats have none (`decisions`);
5. every signature ever made names a prefix of these leaves (`signatures`);
6. every refusal has its dead letter with the original bytes (`decisions`);
7. evaluating the inputs again in leaf order gives the same bytes, tables and offsets (`replay`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.names import DECIDE_GROUP
from chaos.oracle import decisions, inputs, log, replay, signatures

if TYPE_CHECKING:
    from chaos.oracle.evidence import PartitionEvidence, Setting
    from chaos.oracle.findings import Findings


def judge(evidence: PartitionEvidence, setting: Setting, findings: Findings) -> None:
    """Add whatever is wrong with a partition to `findings`."""
    inputs.check_delivery(evidence, findings)
    caused = inputs.caused_leaves(evidence, findings)
    matched = inputs.check_causes(evidence, caused, findings)
    inputs.check_outcomes(evidence, matched, findings)
    tree = log.check_log(evidence, findings)
    decisions.check_decisions(evidence, caused, setting.trust, findings)
    decisions.check_letters(evidence, matched, findings)
    signatures.check_signatures(evidence, tree, setting.trust, findings)
    replay.check_tree_table(evidence, tree, findings)
    replay.check_replay(evidence, matched, setting, findings)
    replay.check_sealed_offset(evidence, findings)


def judge_decided(evidence: PartitionEvidence, setting: Setting, findings: Findings) -> None:
    """Judge what a job without a sealer left behind, and only what it has owned up to.

    An input whose offset was not committed and that has no leaf is backlog, not loss.
    """
    caused = inputs.caused_leaves(evidence, findings)
    findings.checked["backlog"] += _drop_backlog(evidence, caused)
    inputs.check_delivery(evidence, findings)
    matched = inputs.check_causes(evidence, caused, findings)
    inputs.check_outcomes(evidence, matched, findings)
    log.check_log(evidence, findings)
    decisions.check_letters(evidence, matched, findings)
    replay.check_replay(evidence, matched, setting, findings)


def _drop_backlog(evidence: PartitionEvidence, caused: list[inputs.Caused]) -> int:
    """Remove the inputs that are still to be worked on; return how many there were."""
    done = {(each.cause.topic, each.cause.offset) for each in caused}
    dropped = 0
    for topic, records in evidence.inputs.items():
        committed = evidence.offsets.get((DECIDE_GROUP, topic), 0)
        offsets = {record.offset for record in records if record.offset >= committed}
        left = {offset for offset in offsets if (topic, offset) not in done}
        evidence.inputs[topic] = [record for record in records if record.offset not in left]
        for offset in left:
            evidence.sent.pop((topic, offset), None)
        dropped += len(left)
    return dropped
