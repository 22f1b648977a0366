"""The formulas of git proposals: bounds, directions, and the values the documentation implies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from aegis_streams.sources import git_measures as measure

if TYPE_CHECKING:
    import pytest

unit = st.floats(0, 1)
lines = st.integers(0, 10**9)
counts = st.integers(0, 10**6)
words = st.frozensets(st.sampled_from("abcdefgh"))


@given(st.none() | lines, st.none() | lines)
def test_file_churn_is_bounded(added: int | None, deleted: int | None) -> None:
    assert 1 <= measure.file_churn(added, deleted) <= measure.FILE_LINES_CAP


@given(unit, unit, unit)
def test_risk_is_bounded_and_rises_with_size_and_past(
    size: float, past: float, more: float
) -> None:
    value = measure.risk(size, past)
    assert 0 <= value <= 0.9100001
    assert measure.risk(max(size, more), past) >= value
    assert measure.risk(size, max(past, more)) >= value


@given(counts, counts)
def test_fix_share_is_below_one(changes: int, fixes: int) -> None:
    fixes = min(fixes, changes)
    assert 0 <= measure.fix_share(changes, fixes) < 1


def test_means_are_the_same_where_sums_compensate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "sum", math.fsum, raising=False)  # as from Python 3.12 on
    assert measure.weighted_mean([1e16, 1.0, -1e16, 1.0], [1, 1, 1, 1]) == 0.25


@given(st.lists(st.integers(1, 400), min_size=1, max_size=50))
def test_effective_count_is_between_one_and_the_count(weights: list[int]) -> None:
    assert 1 <= measure.effective_count(weights) <= len(weights) + 1e-9


def test_equal_parts_count_fully_and_a_crumb_hardly() -> None:
    assert measure.effective_count([7] * 12) == 12
    assert measure.effective_count([400, 1]) < 1.01
    assert measure.effective_count([]) == 1


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(1, 1e6))
def test_simplicity_falls_with_spread(files: float, folders: float, more: float) -> None:
    value = measure.simplicity(files, folders)
    assert 0 < value <= 1
    assert measure.simplicity(max(files, more), folders) <= value
    assert measure.simplicity(files, max(folders, more)) <= value


def test_simplicity_at_the_documented_points() -> None:
    assert measure.simplicity(1, 1) == 1
    assert measure.simplicity(13, 1) == 0.5
    assert measure.simplicity(1, 7) == 0.5


@given(words, words)
def test_overlap_is_a_symmetric_share(left: frozenset[str], right: frozenset[str]) -> None:
    value = measure.overlap(left, right)
    assert 0 <= value <= 1
    assert value == measure.overlap(right, left)
    assert (value == 1) == (left == right and bool(left))


@given(unit, unit, st.integers(1, 10**6), st.integers(0, 10**6))
def test_likeness_fades_with_age(paths: float, told: float, age: int, later: int) -> None:
    value = measure.likeness(paths, told, age)
    assert 0 <= value <= 1
    assert measure.likeness(paths, told, age + later) <= value


@given(counts, counts, counts, unit)
def test_quality_is_bounded(code: int, tests: int, documentation: int, told: float) -> None:
    quality = measure.quality(code, tests, documentation, told)
    assert all(0 <= facet <= 1.0000001 for facet in quality)
    assert quality.tests >= 0.3999999
    more = measure.quality(code, tests + 1, documentation + 1, told)
    assert more.score >= quality.score


def test_quality_wants_tests_for_code_only() -> None:
    assert measure.quality(0, 0, 50, 1.0).score == 1
    assert measure.quality(400, 200, 100, 1.0).score == 1
    assert measure.quality(400, 0, 0, 1.0).score < 0.7


@given(st.text(max_size=300), counts)
def test_explanation_is_zero_without_words_only(subject: str, body_words: int) -> None:
    value = measure.explanation(subject, body_words)
    assert (value == 0) == (not subject.split())
    assert value <= 1.0000001


@given(counts, counts, counts)
def test_size_counts_what_can_break_most(live: int, harmless: int, more: int) -> None:
    value = measure.size(live, harmless)
    assert 0 <= value < 1
    assert value <= measure.size(live, harmless + more) <= measure.size(live + more, harmless)


@given(counts, unit, unit, unit)
def test_profit_is_bounded(churn: int, loss: float, quality: float, risk: float) -> None:
    profit = measure.profit(churn, loss, quality, risk)
    assert -1 <= profit.mean <= 1
    assert 0 <= profit.variance <= 0.25


@given(st.lists(unit, max_size=measure.BASELINE_WINDOW))
def test_baseline_lies_among_its_values(earlier: list[float]) -> None:
    value = measure.baseline(earlier, 0.15)
    assert min([0.15, *earlier]) <= value <= max([0.15, *earlier])


def test_baseline_starts_from_the_assumption_and_learns() -> None:
    assert measure.baseline([], 0.15) == 0.15
    assert measure.baseline([0.4] * 50, 0.15) == 0.4
    assert measure.baseline([0.35] * 5, 0.15) == 0.25
