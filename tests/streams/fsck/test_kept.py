"""Checkpoints that are to be kept: what the sealer marks is enough, and nothing less."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import EMPTY_RANGE, leaf_hash
from aegis_codecs.records.audit import AuditEntry
from aegis_streams.fsck import kept
from aegis_streams.fsck.claims import DATABASE, TOPIC, Claim, Claims
from aegis_streams.fsck.database import Row
from aegis_streams.fsck.findings import Findings
from aegis_streams.names import SEAL_GROUP
from aegis_streams.runtime.parts import transport_settings
from aegis_streams.seal import sealer
from aegis_streams.seal.tree import TreeState
from aegis_streams.settings import ENVIRONMENT, Settings
from support.entries import LOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

START = 1_767_225_600_000
KINDS = ("DecisionMade", "DecisionMade", "DecisionMade", "DriftChanged", *sorted(kept.CONTROL))
MOST_IN_A_BATCH = 6


class Sealed(NamedTuple):
    """The rows of a log, and (size, keep) of each checkpoint."""

    rows: list[Row]
    checkpoints: list[tuple[int, bool]]


def sealed(batches: Iterable[list[tuple[str, int]]]) -> Sealed:
    """Seal batches of (kind, milliseconds since the leaf before) as the sealer does."""
    state = TreeState(LOG, EMPTY_RANGE, ZERO_HASH, 0)
    worker = sealer.Sealer(state, lambda _: None, lambda _: b"")
    rows: list[Row] = []
    checkpoints = []
    time, link = START, ZERO_HASH
    for batch in batches:
        entries: list[AuditEntry] = []
        for kind, wait in batch:
            time += wait
            body = b"leaf %d" % (len(rows) + len(entries))
            made = AuditEntry(
                LOG, len(rows) + len(entries), link, leaf_hash(body),
                entry_hash(link, leaf_hash(body)), body, kind, time, None, None, None, None, None,
            )  # fmt: skip
            entries.append(made)
            link = made.entry_hash
        found = worker.seal(entries, 0)
        checkpoints.append((found.checkpoint.size, found.keep))
        rows += [Row(*e[1:6], (e.kind, e.time)) for e in entries]
    return Sealed(rows, checkpoints)


def judged(
    rows: Iterable[Row], checkpoints: Iterable[tuple[int, bool]], start: int = 0
) -> tuple[int, int]:
    """How many are missing, and how far kept ones are apart."""
    claims, findings = Claims(), Findings(LOG)
    for size, keep in checkpoints:
        claims.add(Claim(size, bytes(32), DATABASE, "", keep))
    claims.add(Claim(1, bytes(32), TOPIC, "0", True))
    watcher = kept.Kept(claims, findings)
    wanted = [row for row in rows if row.sequence >= start]
    assert list(watcher.watch(iter(wanted), start)) == wanted
    claims.close()
    (apart,) = watcher.figures().values()
    assert {str(code) for code, _ in findings.found} <= {"kept_missing"}
    return sum(each.count for each in findings.found.values()), apart


@contextmanager
def small() -> Iterator[None]:
    """Count and batch so small that a short log shows all of the rule."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealer, "KEEP_LEAVES", 10)
        patch.setattr(kept, "MOST_LEAVES", 10)
        patch.setattr(kept, "BATCH", MOST_IN_A_BATCH)
        yield


leaves = st.tuples(st.sampled_from(KINDS), st.sampled_from([0, 1_000, 20_000, 59_999, 60_000]))
batches = st.lists(
    st.lists(leaves, min_size=1, max_size=MOST_IN_A_BATCH), min_size=1, max_size=12
).map(lambda found: [[("EpochOpened", 0), *found[0][1:]], *found[1:]])


@given(batches, st.data())
@settings(max_examples=150)
@small()
def test_what_the_sealer_marks_is_enough(
    made: list[list[tuple[str, int]]], data: st.DataObject
) -> None:
    """Whatever was pruned, retired, not delivered yet, or looked at by an earlier run."""
    rows, checkpoints = sealed(made)
    left = [each for each in checkpoints if each[1] or data.draw(st.booleans())]
    left = left[: data.draw(st.integers(0, len(left)))]
    retired = data.draw(st.integers(0, len(rows)))
    shown = [row._replace(body=None, copies=()) for row in rows[:retired]] + rows[retired:]
    assert judged(shown, left, data.draw(st.integers(0, len(rows))))[0] == 0


@given(batches, st.data())
@settings(max_examples=150)
@small()
def test_a_mark_removed_is_found(made: list[list[tuple[str, int]]], data: st.DataObject) -> None:
    rows, checkpoints = sealed(made)
    size, _ = data.draw(st.sampled_from([each for each in checkpoints if each[1]]))
    assert judged(rows, [(s, k and s != size) for s, k in checkpoints])[0] >= 1


@small()
def test_without_all_that_was_kept_before_some_day() -> None:
    rows, checkpoints = sealed([[("DecisionMade", 1_000)] * 5 for _ in range(20)])
    assert judged(rows, checkpoints) == (0, 10)
    assert judged(rows, [each for each in checkpoints if each[0] > 60])[0] == 1
    only = [each for each in checkpoints if each[1]]
    assert judged(rows, only) == (0, 10)
    assert judged(rows, only[:2] + only[4:]) == (1, 30)


def test_sizes_alone_count_where_leaves_are_retired() -> None:
    rows = [Row(n, b"", bytes(32), b"", None, ()) for n in range(40_000)]
    most = kept.MOST_LEAVES - 1 + kept.BATCH
    assert judged(rows, [(1, True), (1 + most, True)]) == (0, most)
    assert judged(rows, [(1, True), (2 + most, True)]) == (1, most + 1)
    assert judged(rows, [(1, True), (kept.MOST_LEAVES, False)])[0] == 0
    assert judged(rows, [(1, True), (kept.MOST_LEAVES + 1, False)])[0] == 1
    assert judged(rows, [(1, True), (2 + most, True), (3 + most, True)], 39_000)[0] == 1


def test_the_rule_is_that_of_the_sealer() -> None:
    assert (kept.MOST_MS, kept.MOST_LEAVES) == (sealer.KEEP_MS, sealer.KEEP_LEAVES)
    assert kept.CONTROL == sealer.CONTROL_KINDS
    assert transport_settings(Settings(), SEAL_GROUP, 0).batch_records == kept.BATCH
    assert not any("BATCH" in name for name in ENVIRONMENT.values())
