from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_streams.errors import SplitViewError
from aegis_streams.seal.guard import FILE_BYTES, SHARE_SLOTS, SHARES, SLOT_BYTES, Guard

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = "aegis/test/1/0"


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, bytes([size % 256]) * 32)


def guard_file(directory: Path) -> Path:
    (found,) = directory.glob("*.guard")
    return found


def test_it_remembers_the_last_of_many(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    assert guard.last() is None
    for size in range(1, 3 * SHARE_SLOTS * SHARES):
        guard.record(checkpoint(size))
        assert Guard(tmp_path, ORIGIN).last() == checkpoint(size)


def test_logs_do_not_share_a_memory(tmp_path: Path) -> None:
    Guard(tmp_path, ORIGIN).record(checkpoint(3))
    assert Guard(tmp_path, "aegis/test/1/1").last() is None


@pytest.mark.parametrize("written", range(82))
def test_a_torn_line_was_never_followed_by_a_signature(tmp_path: Path, written: int) -> None:
    guard = Guard(tmp_path, ORIGIN)
    for size in (1, 2):
        guard.record(checkpoint(size))
    path = guard_file(tmp_path)
    before = path.read_bytes()
    guard.record(checkpoint(3))
    after = path.read_bytes()
    at = next(n for n in range(FILE_BYTES) if before[n] != after[n])
    path.write_bytes(after[: at + written] + before[at + written :])
    assert Guard(tmp_path, ORIGIN).last() == checkpoint(2)


def test_the_file_never_changes_its_size(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    for size in range(1, 100):
        guard.record(checkpoint(size))
        assert guard_file(tmp_path).stat().st_size == FILE_BYTES


def test_damage_is_refused_not_forgotten(tmp_path: Path) -> None:
    Guard(tmp_path, ORIGIN).record(checkpoint(1))
    path = guard_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"01", b"02"))
    with pytest.raises(SplitViewError, match="damaged"):
        Guard(tmp_path, ORIGIN).last()
    with pytest.raises(SplitViewError, match="damaged"):
        Guard(tmp_path, ORIGIN).record(checkpoint(2))


@pytest.mark.parametrize("data", [b"", bytes(FILE_BYTES), b"\n" * FILE_BYTES])
def test_a_file_without_any_line_is_damage(tmp_path: Path, data: bytes) -> None:
    Guard(tmp_path, ORIGIN).record(checkpoint(1))
    guard_file(tmp_path).write_bytes(data)
    with pytest.raises(SplitViewError, match="damaged"):
        Guard(tmp_path, ORIGIN).last()


@given(st.lists(st.tuples(st.integers(0, SHARES - 3), st.integers(1, 40)), max_size=12))
def test_thawed_predecessors_do_not_make_it_forget(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, int]]
) -> None:
    directory = tmp_path_factory.mktemp("guard")
    size, guards = 0, []
    for _ in range(SHARES - 1):
        guards.append(Guard(directory, ORIGIN))
        for _ in range(2):
            size += 100
            guards[-1].record(checkpoint(size))
    for who, smaller in writes:
        for _ in range(smaller):
            guards[who].record(checkpoint(smaller))
        assert Guard(directory, ORIGIN).last() == checkpoint(size)


def test_two_roots_of_one_size_are_refused(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    guard.record(checkpoint(5))
    guard.record(checkpoint(5)._replace(root=bytes(32)))
    with pytest.raises(SplitViewError, match="two roots"):
        guard.last()


def test_a_file_of_another_shape_is_laid_out_anew(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    for size in (7, 9):
        guard.record(checkpoint(size))
    path = guard_file(tmp_path)
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    path.write_bytes(b"\n".join([*lines, b""]))
    guard.record(checkpoint(8))
    assert path.stat().st_size == FILE_BYTES
    assert Guard(tmp_path, ORIGIN).last() == checkpoint(9)
    assert max(map(len, lines)) < SLOT_BYTES
