"""Decisions and dead letters: one for each leaf that calls for one, with the very same bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.records.envelopes import DeadLetter
from aegis_codecs.verifier import Verifier

if TYPE_CHECKING:
    from aegis_codecs.trust import TrustPolicy
    from aegis_streams.decide.identity import InputRecord
    from chaos.oracle.evidence import Keyed, PartitionEvidence
    from chaos.oracle.findings import Findings
    from chaos.oracle.inputs import Caused

WITHOUT_LETTER: Final = frozenset({"duplicate_id", "horizon_full"})
"""Refusals of well-formed proposals: the leaf says everything, nothing has to be kept."""


def check_decisions(
    evidence: PartitionEvidence, caused: list[Caused], trust: TrustPolicy, findings: Findings
) -> None:
    """Match decision leaves and signed decisions, and verify every receipt."""
    waiting = {each.fields["decision_id"]: each for each in caused if each.kind == "DecisionMade"}
    made = len([each for each in caused if each.kind == "DecisionMade"])
    findings.expect("decision_id_shared", evidence.origin, len(waiting), made)
    known = dict(waiting)
    verifier = Verifier(trust)
    for number, keyed in enumerate(evidence.decisions):
        decision = keyed.record
        where = f"aegis.decisions[{evidence.partition}] record {number} ({decision.decision_id})"
        each = waiting.pop(decision.decision_id, None)
        if each is None:
            kind = "decision_doubled" if decision.decision_id in known else "decision_invented"
            findings.add(kind, where, f"about proposal {decision.proposal_id}")
            continue
        _check_decision(keyed, each, where, findings)
        _check_receipt(keyed, each, verifier, where, findings)
    for decision_id, each in waiting.items():
        where = f"{evidence.origin} leaf {each.leaf.entry.sequence}"
        findings.add("decision_missing", where, f"{decision_id} was never published")


def _check_decision(keyed: Keyed, each: Caused, where: str, findings: Findings) -> None:
    decision, fields = keyed.record, each.fields
    findings.expect("decision_body", where, decision.body, each.leaf.entry.body)
    findings.expect(
        "decision_copies",
        where,
        (keyed.key, decision.proposal_id, decision.agent_id, decision.status),
        (
            fields["agent_id"].encode(),
            fields["proposal_id"],
            fields["agent_id"],
            fields["status"],
        ),
    )


def _check_receipt(
    keyed: Keyed,
    each: Caused,
    verifier: Verifier,
    where: str,
    findings: Findings,
) -> None:
    try:
        found = verifier.verify_receipt(keyed.record.receipt, keyed.record.body)
    except NotTrustedError as error:
        findings.add("receipt_not_trusted", where, str(error))
        return
    findings.expect(
        "receipt_of_another_leaf",
        where,
        (found.origin, found.index),
        (each.leaf.entry.log, each.leaf.entry.sequence),
    )


def check_letters(
    evidence: PartitionEvidence, matched: list[tuple[Caused, InputRecord]], findings: Findings
) -> None:
    """Match refusals and dead letters one to one, in order."""
    waiting = {
        each.leaf.entry.sequence: _letter(each, record)
        for each, record in matched
        if _refused(each)
    }
    known = set(waiting)
    for number, letter in enumerate(evidence.letters):
        where = f"aegis.dead-letters[{evidence.partition}] record {number}"
        wanted = waiting.pop(letter.sequence, None)
        if wanted is None:
            kind = "letter_doubled" if letter.sequence in known else "letter_invented"
            findings.add(kind, where, f"about leaf {letter.sequence}")
        else:
            findings.expect("letter_differs", where, letter, wanted)
    for sequence, letter in waiting.items():
        findings.add(
            "letter_missing", f"{evidence.origin} leaf {sequence}", f"refused: {letter.reason}"
        )


def _refused(each: Caused) -> bool:
    if each.kind == "InputRejected":
        return True
    evaluated = each.fields.get("risk_outcome") != "not_evaluated"
    return (
        each.kind == "DecisionMade"
        and not evaluated
        and each.fields["reason"] not in WITHOUT_LETTER
    )


def _letter(each: Caused, record: InputRecord) -> DeadLetter:
    value = record.value or b""
    return DeadLetter(
        each.fields["reason"],
        each.fields["detail"],
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        value,
        len(value),
        hashlib.sha256(value).digest(),
        {name: text or b"" for name, text in record.headers or ()},
        False,  # nothing was cut
        each.leaf.entry.log,
        each.leaf.entry.sequence,
    )
