from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_codecs.log.checkpoint import Checkpoint
from aegis_streams.errors import SplitViewError
from aegis_streams.seal.guard import MAX_FILE_BYTES, Guard

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
    for size in range(1, 50):
        guard.record(checkpoint(size))
    assert Guard(tmp_path, ORIGIN).last() == checkpoint(49)


def test_logs_do_not_share_a_memory(tmp_path: Path) -> None:
    Guard(tmp_path, ORIGIN).record(checkpoint(3))
    assert Guard(tmp_path, "aegis/test/1/1").last() is None


@pytest.mark.parametrize("cut", range(1, 84))
def test_a_torn_last_line_was_never_followed_by_a_signature(tmp_path: Path, cut: int) -> None:
    guard = Guard(tmp_path, ORIGIN)
    guard.record(checkpoint(1))
    guard.record(checkpoint(2))
    path = guard_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert Guard(tmp_path, ORIGIN).last() == checkpoint(1)


def test_what_follows_a_torn_line_counts(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    guard.record(checkpoint(1))
    path = guard_file(tmp_path)
    path.write_bytes(path.read_bytes() + b"2 0202")
    guard.record(checkpoint(3))
    assert Guard(tmp_path, ORIGIN).last() == checkpoint(3)


def test_damage_is_refused_not_forgotten(tmp_path: Path) -> None:
    Guard(tmp_path, ORIGIN).record(checkpoint(1))
    path = guard_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"01", b"02"))
    with pytest.raises(SplitViewError, match="damaged"):
        Guard(tmp_path, ORIGIN).last()


def test_a_thawed_predecessor_does_not_make_it_forget(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    for size in (5, 9, 7):
        guard.record(checkpoint(size))
    assert guard.last() == checkpoint(9)
    path = guard_file(tmp_path)
    path.write_bytes(path.read_bytes() + b"\n" * MAX_FILE_BYTES)
    guard.record(checkpoint(8))
    assert guard.last() == checkpoint(9)


def test_two_roots_of_one_size_are_refused(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    guard.record(checkpoint(5))
    guard.record(checkpoint(5)._replace(root=bytes(32)))
    with pytest.raises(SplitViewError, match="two roots"):
        guard.last()


def test_the_file_stays_small(tmp_path: Path) -> None:
    guard = Guard(tmp_path, ORIGIN)
    guard.record(checkpoint(1))
    path = guard_file(tmp_path)
    line = path.read_bytes()
    path.write_bytes(line * (MAX_FILE_BYTES // len(line) + 1))
    guard.record(checkpoint(7))
    assert path.stat().st_size < 200
    assert guard.last() == checkpoint(7)
