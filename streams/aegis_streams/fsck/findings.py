"""What can be found, under names that stay, each with what it means in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Code(StrEnum):
    """Names of findings. Scripts and tests compare them; they stay."""

    LEAF_UNREADABLE = "leaf_unreadable"
    LOG_FOREIGN = "log_foreign"
    SEQUENCE_GAP = "sequence_gap"
    SEQUENCE_REPEATED = "sequence_repeated"
    LEAF_HASH = "leaf_hash"
    CHAIN_BROKEN = "chain_broken"
    COPY_DIFFERS = "copy_differs"
    GENESIS = "genesis"
    TREE_ROOT = "tree_root"
    TAIL_CUT = "tail_cut"
    HISTORY_FORKED = "history_forked"
    CHECKPOINT_MALFORMED = "checkpoint_malformed"
    CHECKPOINT_ORDER = "checkpoint_order"
    CHECKPOINT_MISSING = "checkpoint_missing"
    ORIGIN_UNKNOWN = "origin_unknown"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_INVALID = "signature_invalid"
    WITNESSES_MISSING = "witnesses_missing"
    PAST_CUT = "past_cut"
    SCHEMA_SWAPPED = "schema_swapped"
    INPUT_WITHOUT_LEAF = "input_without_leaf"
    LEAF_WITHOUT_INPUT = "leaf_without_input"
    LEAF_DOUBLED = "leaf_doubled"
    LEAF_ORDER = "leaf_order"
    CAUSE_DIFFERS = "cause_differs"
    LEAF_TIME = "leaf_time"
    DECISION_ID = "decision_id"
    PROPOSAL_DECIDED_TWICE = "proposal_decided_twice"
    REPEAT_UNFOUNDED = "repeat_unfounded"
    LETTER_MISSING = "letter_missing"
    LETTER_INVENTED = "letter_invented"
    LETTER_DIFFERS = "letter_differs"
    DECISION_MISSING = "decision_missing"
    DECISION_INVENTED = "decision_invented"
    DECISION_DOUBLED = "decision_doubled"
    DECISION_BODY = "decision_body"
    RECEIPT_MALFORMED = "receipt_malformed"
    RECEIPT_WRONG = "receipt_wrong"
    REMOVED_EARLY = "removed_early"
    ROW_MISSING = "row_missing"
    ROW_INVENTED = "row_invented"
    ROW_DIFFERS = "row_differs"
    HEAD_DIFFERS = "head_differs"
    QUARANTINE = "quarantine"
    KEPT_MISSING = "kept_missing"
    PARTITIONS = "partitions"
    STATE_DIFFERS = "state_differs"


MEANING: Final = {
    Code.LEAF_UNREADABLE: "a record on the audit topic, or the body in it, is no leaf: somebody "
    "else wrote there, or its schema was swapped",
    Code.LOG_FOREIGN: "a leaf of another log stands in this one's partition",
    Code.SEQUENCE_GAP: "leaves are missing: they were removed, or others put in another order",
    Code.SEQUENCE_REPEATED: "a leaf was inserted, or stands where an earlier one should",
    Code.LEAF_HASH: "the bytes of a leaf were changed after its hash was made",
    Code.CHAIN_BROKEN: "a leaf does not follow from the one before it: one of them was changed, "
    "removed, inserted or moved",
    Code.COPY_DIFFERS: "a searchable copy says something else than the body, which alone counts",
    Code.GENESIS: "the log does not begin as it must: with one EpochOpened leaf of its own",
    Code.TREE_ROOT: "the leaves are not those that were signed: the log was rewritten, even if its "
    "chain fits",
    Code.TAIL_CUT: "more leaves were signed than there are: the end of the log was cut off",
    Code.HISTORY_FORKED: "the log's keys signed two histories; keep both notes as evidence",
    Code.CHECKPOINT_MALFORMED: "a checkpoint is not in its form",
    Code.CHECKPOINT_ORDER: "a checkpoint is not larger than the one before: an older one was put "
    "in a newer one's place",
    Code.CHECKPOINT_MISSING: "leaves were released or kept that no checkpoint on the topic covers",
    Code.ORIGIN_UNKNOWN: "the trust file knows no log of this name",
    Code.SIGNATURE_MISSING: "a required key did not sign",
    Code.SIGNATURE_INVALID: "a signature is not that of the trusted key: forged, or the keys (or "
    "the trust file) were swapped",
    Code.WITNESSES_MISSING: "fewer witnesses cosigned than the trust file asks for",
    Code.PAST_CUT: "the log went on after the trust file ends it",
    Code.SCHEMA_SWAPPED: "the registry, or the database for its views, gives another schema than "
    "the files for records of this system: readers who trust it read something else than was "
    "written",
    Code.INPUT_WITHOUT_LEAF: "an input was passed over: it has no leaf, or its leaf was removed",
    Code.LEAF_WITHOUT_INPUT: "a leaf names an input that is not there: invented, or the input was "
    "removed",
    Code.LEAF_DOUBLED: "one input has two leaves of its own",
    Code.LEAF_ORDER: "a leaf stands before one it should follow",
    Code.CAUSE_DIFFERS: "a leaf describes its input otherwise than it lies on its topic: one of "
    "them was changed",
    Code.LEAF_TIME: "a leaf's time is not the later of its input's and the leaf before",
    Code.DECISION_ID: "a decision's id does not follow from log and input",
    Code.PROPOSAL_DECIDED_TWICE: "one proposal was decided as new twice within the horizon",
    Code.REPEAT_UNFOUNDED: "a leaf refers to an earlier decision that was not made, or the other "
    "way round",
    Code.LETTER_MISSING: "a refused input has no dead letter",
    Code.LETTER_INVENTED: "a dead letter belongs to no refusal, or stands twice",
    Code.LETTER_DIFFERS: "a dead letter differs from the input or from the refusal",
    Code.DECISION_MISSING: "a sealed decision was not released",
    Code.DECISION_INVENTED: "a released decision is in no leaf",
    Code.DECISION_DOUBLED: "a decision was released twice, or out of order",
    Code.DECISION_BODY: "a released decision differs from its leaf",
    Code.RECEIPT_MALFORMED: "a receipt is not in its form",
    Code.RECEIPT_WRONG: "a receipt does not prove its decision",
    Code.REMOVED_EARLY: "records are gone that retention does not explain",
    Code.ROW_MISSING: "the database lacks a leaf",
    Code.ROW_INVENTED: "the database has a row that is no leaf of the log",
    Code.ROW_DIFFERS: "a row of the database differs from the leaf",
    Code.HEAD_DIFFERS: "the database's guard stands elsewhere than its rows",
    Code.QUARANTINE: "the database's guard refused a record: somebody tried to write something "
    "that does not fit",
    Code.KEPT_MISSING: "the database lacks a checkpoint that is to be kept for good, or does not "
    "mark it so",
    Code.PARTITIONS: "a topic has another number of partitions than the trust file's logs",
    Code.STATE_DIFFERS: "the log does not lead to the position that an earlier run verified: it "
    "was rewritten since, or the state file is of another log",
}
"""What each finding means."""


@dataclass
class Found:
    """All findings of one kind in one log: the first in full, the others counted.

    Attributes:
        code: What was found.
        log: The log; empty where it concerns all of them.
        where: Topic, partition, offset, sequence, table or file of the first.
        detail: The first in words.
        count: How many there are.
    """

    code: Code
    log: str
    where: dict[str, Any]
    detail: str
    count: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "finding": str(self.code),
            "log": self.log,
            "where": self.where,
            "detail": self.detail,
            "means": MEANING[self.code],
            "count": self.count,
        }


@dataclass
class Findings:
    """Findings of one log, by kind and place; the order is that in which they were met."""

    log: str = ""
    found: dict[tuple[Code, str], Found] = field(default_factory=dict)

    def add(self, code: str, detail: str, **where: object) -> None:
        """Note a finding; `where` names topic or table and the position within it."""
        kind = Code(code)
        key = kind, str(where.get("topic") or where.get("table") or where.get("file") or "")
        first = self.found.get(key)
        if first is None:
            self.found[key] = Found(kind, self.log, where, detail)
        else:
            first.count += 1

    def __bool__(self) -> bool:
        return bool(self.found)
