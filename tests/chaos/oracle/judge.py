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
