"""What is remembered of earlier changes, and that it stays within bounds."""

from __future__ import annotations

from aegis_streams.sources.git_memory import RECENT_CHANGES, PathMemory, Trace


def trace(number: int, *paths: str, words: str = "") -> Trace:
    return Trace(number, frozenset(paths), frozenset(words.split()))


def test_counts_changes_and_fixes() -> None:
    memory = PathMemory()
    memory.remember(["a"], trace(0, "a"), is_fix=False)
    memory.remember(["a", "b"], trace(1, "a", "b"), is_fix=True)
    assert (memory.past("a").changes, memory.past("a").fixes) == (2, 1)
    assert (memory.past("b").changes, memory.past("b").fixes) == (1, 1)
    assert memory.past("c").changes == 0


def test_a_renamed_path_keeps_its_past() -> None:
    memory = PathMemory()
    memory.remember(["old"], trace(0, "old"), is_fix=True)
    memory.rename("old", "new")
    memory.rename("unknown", "other")
    assert memory.past("new").fixes == 1
    assert memory.past("old").fixes == 0
    assert len(memory) == 1


def test_nearest_finds_the_most_alike_of_the_same_paths() -> None:
    memory = PathMemory()
    memory.remember(["a"], trace(0, "a", words="add parser"), is_fix=False)
    memory.remember(["a"], trace(1, "a", words="drop lexer"), is_fix=False)
    memory.remember(["z"], trace(2, "z", words="add parser"), is_fix=False)
    same = memory.nearest(trace(3, "a", words="add parser"))
    other = memory.nearest(trace(3, "a", words="something else"))
    assert 1 > same > other > 0
    assert memory.nearest(trace(3, "new", words="add parser")) == 0


def test_memory_is_bounded_and_forgets_what_was_idle_longest() -> None:
    memory = PathMemory(max_paths=3)
    for number, path in enumerate("abcad"):
        memory.remember([path], trace(number, path), is_fix=False)
    assert len(memory) == 3
    assert memory.past("b").changes == 0
    assert memory.past("a").changes == 2


def test_only_recent_changes_of_a_path_are_compared() -> None:
    memory = PathMemory()
    for number in range(RECENT_CHANGES * 3):
        memory.remember(["a"], trace(number, "a"), is_fix=False)
    assert next(kept.number for kept in memory.past("a").recent) == RECENT_CHANGES * 2
