"""What a leaf says, to its last byte: of a decision's tail, and of what follows from an input.

Whoever forges here has the keys: every hash, link and signature fits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records import bodies as made
from aegis_governance.config import AegisConfig
from aegis_streams.fsck import bodies
from aegis_streams.fsck.binary import string
from aegis_streams.fsck.bodies import Foreseen
from support.deciding import AGENT, LOG, PARTITION, START, Deciding, proposal
from support.memory_log import PROPOSALS, MemoryLog, memory_log, sample_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.decide.leaves import KeyedEntry
    from aegis_streams.fsck.task import Judged

    Change = Callable[[bytes | None, AuditEntry], KeyedEntry]

BASELINE = {
    "id": "2026-q3",
    "edges": [0.1 * n for n in range(1, 10)],
    "counts": [100, 80, 10, 1, 1, 1, 1, 1, 1, 1],
}
DRIFTING = AegisConfig.from_dict({"agent_baselines": {AGENT: {"risk": BASELINE}}})
REASON = string("all_gates_passed")
BEFORE = "d-00000000-0000-8000-8000-000000000000"
VICTIM = 2


def counts(found: Judged) -> list[tuple[str, int]]:
    return [(str(each.code), each.count) for each in found.findings]


def forging(sequence: int, change: Change) -> Callable[[list[KeyedEntry]], list[KeyedEntry]]:
    """Return what changes one leaf, and makes all hashes fit again."""

    def forge(leaves: list[KeyedEntry]) -> list[KeyedEntry]:
        found: list[KeyedEntry] = []
        previous = ZERO_HASH
        for number, (key, entry) in enumerate(leaves):
            name, each = change(key, entry) if number == sequence else (key, entry)
            leaf = leaf_hash(each.body)
            link = entry_hash(previous, leaf)
            linked = each._replace(previous_hash=previous, leaf_hash=leaf, entry_hash=link)
            found.append((name, linked))
            previous = link
        return found

    return forge


def saying(**fields: object) -> Change:
    """Return a change of what a body says, with the copies that follow."""

    def change(key: bytes | None, entry: AuditEntry) -> KeyedEntry:
        kind, before = made.decode(entry.body)
        changed = {**before, **fields}
        return key, entry._replace(body=made.encode(kind, changed), time=changed["leaf_time"])

    return change


def spelling(change: Callable[[bytes], bytes]) -> Change:
    """Return a change of the bytes of a body."""
    return lambda key, entry: (key, entry._replace(body=change(entry.body)))


def after_reason(distance: int, byte: int) -> Change:
    """Return a change of one byte behind the reason."""

    def change(body: bytes) -> bytes:
        at = body.index(REASON) + len(REASON) + distance
        return body[:at] + bytes((byte,)) + body[at + 1 :]

    return spelling(change)


@pytest.mark.parametrize(
    "change",
    [
        spelling(lambda body: body[:-1]),
        spelling(lambda body: body[:-60]),
        spelling(lambda body: body + b"\0"),
        spelling(lambda body: body + b"\0" * 300),
        spelling(lambda body: body.replace(b"\x06s-1", b"\x06s-\xff")),
        spelling(lambda body: body.replace(b"\x06s-1\x02\x00", b"\x06s-1\x04\x00")),
        spelling(lambda body: body.replace(b"\x06s-1\x02\x00", b"\x06s-1\x02\x06")),
        spelling(lambda body: body.replace(b"\x0eenforce", b"\x0eenforc\xff")),
        after_reason(0, 0x7E),
        after_reason(9, 6),
        after_reason(9 + 25, 8),
    ],
)
def test_a_decision_whose_rest_cannot_be_read_is_found(change: Change) -> None:
    found = memory_log(
        [proposal(f"p-{n}") for n in range(6)], forge=forging(VICTIM, change)
    ).judge()
    assert ("leaf_unreadable", 1) in counts(found)
    assert found.findings[0].where["sequence"] == VICTIM


def test_a_decision_about_an_input_replaces_none() -> None:
    forge = forging(VICTIM, saying(supersedes=BEFORE))
    found = memory_log([proposal(f"p-{n}") for n in range(6)], forge=forge).judge()
    assert counts(found) == [("repeat_unfounded", 1)]
    assert found.findings[0].where["sequence"] == VICTIM


USUAL: list[dict[str, Any]] = [
    {},
    {"requires_human_approval": True},
    {"quality_score": 0.1},
    {"quality_score": 0.1, "estimated_impact": "critical"},
    {"shadow_mode": True},
    {"session_id": ""},
    {"session_id": "s" * 100, "proposal_id": "p" * 100},
    {"session_id": "Sitzung \N{LATIN SMALL LETTER U WITH DIAERESIS}ber \N{SNOWMAN}"},
]


@pytest.mark.parametrize("fields", USUAL)
def test_the_usual_decision_is_read_the_quick_way(fields: dict[str, Any]) -> None:
    deciding = Deciding()
    record = deciding.record(proposal(**fields))
    deciding.take(record)
    (body,) = deciding.bodies()
    source = record.offset, record.timestamp, record.key, record.value
    plain = Foreseen(LOG, PROPOSALS, PARTITION).read(body, source, START)
    facts, _ = bodies.read(body)
    assert plain is not None
    assert plain.columns == bodies.columns_as_avro(facts)
    assert (plain.identity, plain.content, plain.time) == (
        facts.identity,
        facts.content,
        facts.time,
    )
    assert (plain.cause_sha256, plain.released) == (facts.cause_sha256, facts.released)


def drifting() -> list[object]:
    """Return proposals whose risk leaves the baseline after a while."""
    return [
        proposal(
            f"p-{n}",
            risk_baseline=0.85 if n > 40 else 0.1,
            risk_proposed=0.85 if n > 40 else 0.05 + 0.1 * (n % 2),
        )
        for n in range(60)
    ]


@cache
def consequences() -> tuple[MemoryLog, list[int]]:
    """Return a log with consequences, a checkpoint after each leaf, and their sequences."""
    places: list[int] = []

    def note(leaves: list[KeyedEntry]) -> list[KeyedEntry]:
        places.extend(n for n, (_, each) in enumerate(leaves) if each.kind == "DriftChanged")
        return leaves

    return memory_log(drifting(), 1, DRIFTING, note), places


def test_consequences_are_believed_wherever_a_run_was_interrupted() -> None:
    log, places = consequences()
    assert len(places) > 1
    assert counts(log.judge(keep=True)) == []
    between = [place for place in log.positions if place.size in places]
    assert len(between) == len(places)
    for place in between:
        assert counts(log.judge(position=place)) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (saying(cause_timestamp=START), "cause_differs"),
        (saying(cause_sha256=bytes(32)), "cause_differs"),
        (saying(cause_partition=PARTITION + 1), "leaf_order"),
        (saying(ordinal=2), "leaf_order"),
        (saying(leaf_time=START + 10_000_000), "leaf_time"),
        (saying(leaf_time=START), "leaf_time"),
        (lambda _, entry: (b"somebody", entry), "copy_differs"),
    ],
)
@pytest.mark.parametrize("resumed", [False, True])
def test_a_consequence_that_says_otherwise_is_found(
    change: Change, code: str, *, resumed: bool
) -> None:
    """It alone: the leaves after it are judged by the time of those before."""
    place = consequences()[1][-1]
    log = memory_log(drifting(), 1, DRIFTING, forging(place, change))
    position = None
    if resumed:
        assert counts(log.judge(keep=True)) != []
        position = next(each for each in log.positions if each.size == place)
    found = log.judge(position=position)
    assert counts(found) == [(code, 1)]
    assert found.findings[0].where["sequence"] == place


def test_samples_of_all_kinds_are_still_believed() -> None:
    assert counts(memory_log(sample_values(50)).judge()) == []
