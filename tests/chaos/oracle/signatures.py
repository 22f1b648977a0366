"""No two signatures disagree: each one ever made names a prefix of the same leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.verifier import Verifier

if TYPE_CHECKING:
    from aegis_codecs.log.checkpoint import Checkpoint
    from aegis_codecs.trust import TrustPolicy
    from chaos.oracle.evidence import PartitionEvidence
    from chaos.oracle.findings import Findings
    from chaos.oracle.log import Tree


def check_signatures(
    evidence: PartitionEvidence, tree: Tree, trust: TrustPolicy, findings: Findings
) -> None:
    """Check journal, published checkpoints, and those that only uncommitted readers can see."""
    for number, claim in enumerate(evidence.journal):
        _check_prefix(claim, tree, f"journal of {evidence.origin}, entry {number}", findings)
    journalled = set(evidence.journal)
    verifier = Verifier(trust, notes_held=0)
    for note in evidence.loose_notes:
        found = _verified(verifier, note, evidence, findings)
        if found is not None:
            where = f"{evidence.origin} checkpoint of {found.size} leaves"
            _check_prefix(found, tree, where, findings)
            if found not in journalled:
                findings.add("signature_unrecorded", where, "signed, and not in the journal")
    _check_published(evidence, tree, verifier, findings)


def _check_published(
    evidence: PartitionEvidence, tree: Tree, verifier: Verifier, findings: Findings
) -> None:
    size = 0
    for number, note in enumerate(evidence.notes):
        claim = _verified(verifier, note, evidence, findings)
        if claim is None:
            continue
        where = f"{evidence.origin} published checkpoint {number}"
        if claim.size <= size:
            findings.add("checkpoint_order", where, f"{claim.size} leaves after {size}")
        size = claim.size
    findings.expect("not_sealed", f"{evidence.origin} newest checkpoint", size, tree.size)


def _check_prefix(claim: Checkpoint, tree: Tree, where: str, findings: Findings) -> None:
    findings.expect("signature_disagrees", where, claim.root, tree.root(claim.size))


def _verified(
    verifier: Verifier, note: bytes, evidence: PartitionEvidence, findings: Findings
) -> Checkpoint | None:
    try:
        claim = verifier.verify_checkpoint(note)
    except NotTrustedError as error:
        findings.add("checkpoint_not_trusted", evidence.origin, str(error))
        return None
    findings.expect("checkpoint_of_another_log", evidence.origin, claim.origin, evidence.origin)
    return claim
