"""Inputs against leaves: each input has one leaf of its own, in order, and none is invented."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from aegis_codecs.errors import DecodeError
from aegis_codecs.records import bodies
from chaos.model import Cause, Model

if TYPE_CHECKING:
    from aegis_streams.decide.identity import InputRecord
    from chaos.model import Outcome
    from chaos.oracle.evidence import Leaf, PartitionEvidence
    from chaos.oracle.findings import Findings


class Caused(NamedTuple):
    """A leaf with ordinal 0 and what it says."""

    leaf: Leaf
    cause: Cause
    kind: str
    fields: dict[str, Any]


def check_delivery(evidence: PartitionEvidence, findings: Findings) -> None:
    """Compare the input topics with what the load was told had been taken.

    A record that lies there twice was delivered twice by the producer's own retry over a broken
    connection: an input like any other, which the evidence then counts among what was sent.
    """
    twins = {(cause[0], *sent[1:3]): sent for cause, sent in evidence.sent.items()}
    found = {
        Cause(topic, record.offset): record
        for topic, records in evidence.inputs.items()
        for record in records
    }
    for cause in sorted(evidence.sent.keys() - found.keys()):
        findings.add("input_lost", _at(evidence, cause), "delivered, and no longer in the topic")
    for cause, record in found.items():
        sent = evidence.sent.get(cause)
        where = _at(evidence, cause)
        value = hashlib.sha256(record.value or b"").digest()
        if sent is None and (cause.topic, record.key, value) in twins:
            evidence.sent[cause] = sent = twins[cause.topic, record.key, value]
            findings.checked["input_delivered_twice"] += 1
        if sent is None:
            findings.add("input_foreign", where, "nobody sent this")
            continue
        findings.expect("input_changed", where, (record.key, value), sent[1:3])


def caused_leaves(evidence: PartitionEvidence, findings: Findings) -> list[Caused]:
    """Return the leaves with ordinal 0, after checking that their consequences follow them."""
    found: list[Caused] = []
    cause: Cause | None = None
    ordinal = 0
    for leaf in evidence.leaves:
        where = f"{evidence.origin} leaf {leaf.entry.sequence}"
        try:
            kind, fields = bodies.decode(leaf.entry.body)
        except DecodeError as error:
            findings.add("leaf_unreadable", where, str(error))
            continue
        if "cause_offset" not in fields:
            findings.expect(
                "leaf_without_cause", where, (kind, leaf.entry.sequence), ("EpochOpened", 0)
            )
            continue
        named = Cause(fields["cause_topic"], fields["cause_offset"])
        findings.expect("leaf_partition", where, fields["cause_partition"], evidence.partition)
        if fields["ordinal"] == 0:
            found.append(Caused(leaf, named, kind, fields))
            cause, ordinal = named, 0
        else:
            ordinal += 1
            findings.expect(
                "consequence_misplaced", where, (named, fields["ordinal"]), (cause, ordinal)
            )
    return found


def check_causes(
    evidence: PartitionEvidence, caused: list[Caused], findings: Findings
) -> list[tuple[Caused, InputRecord]]:
    """Match leaves and inputs one to one.

    Returns:
        Each leaf with its input, in leaf order; without those that have none.
    """
    waiting = {
        Cause(topic, record.offset): record
        for topic, records in evidence.inputs.items()
        for record in records
    }
    inputs = dict(waiting)
    newest: dict[str, int] = {}
    matched = []
    for each in caused:
        where = f"{_at(evidence, each.cause)}, leaf {each.leaf.entry.sequence}"
        record = waiting.pop(each.cause, None)
        if record is None:
            kind = "leaf_doubled" if each.cause in inputs else "leaf_invented"
            findings.add(kind, where, f"{each.kind} about this input")
            continue
        _check_cause(each, record, where, findings)
        if each.cause.offset < newest.get(each.cause.topic, -1):
            findings.add("leaf_order", where, f"after offset {newest[each.cause.topic]}")
        newest[each.cause.topic] = each.cause.offset
        matched.append((each, record))
    for cause in sorted(waiting):
        shape = evidence.sent[cause].shape if cause in evidence.sent else "unknown"
        findings.add("leaf_missing", _at(evidence, cause), f"an input ({shape}) without a leaf")
    return matched


def check_outcomes(
    evidence: PartitionEvidence, matched: list[tuple[Caused, InputRecord]], findings: Findings
) -> None:
    """Compare each leaf with what the model says, which knows the load and not the product."""
    model = Model()
    decided: dict[Cause, str] = {}
    for each, _ in matched:
        sent = evidence.sent.get(each.cause)
        if sent is None:
            continue
        outcome = model.take(each.cause, sent.meaning)
        where = f"{_at(evidence, each.cause)} ({sent.shape}), leaf {each.leaf.entry.sequence}"
        findings.expect("outcome", where, _said(each, outcome), outcome[:3])
        if each.kind == "DecisionMade":
            decided[each.cause] = each.fields["decision_id"]
        if outcome.first is not None and each.kind == "ProposalRepeated":
            named = (each.fields["first_decision_id"], each.fields["effective_decision_id"])
            first = decided.get(outcome.first)
            findings.expect("repeat_names_another", where, named, (first, first))


def _said(each: Caused, outcome: Outcome) -> tuple[str, str, str]:
    """Return kind, refusal code and status of a leaf, as far as the model can know them."""
    if each.kind == "ProposalRepeated":
        return each.kind, "", ""
    if each.kind == "InputRejected":
        return each.kind, each.fields["reason"], ""
    evaluated = each.fields["risk_outcome"] != "not_evaluated"
    status = each.fields["status"] if outcome.status else ""
    return each.kind, "" if evaluated else each.fields["reason"], status


def _check_cause(each: Caused, record: InputRecord, where: str, findings: Findings) -> None:
    fields = each.fields
    findings.expect(
        "cause_differs",
        where,
        (fields["cause_timestamp"], fields["cause_sha256"], each.leaf.key),
        (record.timestamp, hashlib.sha256(record.value or b"").digest(), record.key),
    )


def _at(evidence: PartitionEvidence, cause: tuple[str, int]) -> str:
    return f"{cause[0]}[{evidence.partition}] offset {cause[1]}"
