"""What processes use, though some of them end while they are looked at."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from support.processes import tree_usage


@pytest.fixture
def gone() -> psutil.Process:
    """Return a process that was there a moment ago."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        return psutil.Process(process.pid)


def test_a_child_that_has_just_ended_is_left_out(
    gone: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil.Process, "children", lambda *_args, **_options: [gone])
    usage = tree_usage(os.getpid())
    assert usage.rss > 0
    assert usage.handles > 0


def test_children_count_while_they_live_and_their_cpu_after_it() -> None:
    before = tree_usage(os.getpid())
    work = "sum(range(10_000_000)); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert tree_usage(os.getpid()).rss > before.rss
    assert tree_usage(os.getpid()).cpu > before.cpu + 0.05


def test_a_process_that_is_gone_is_an_error(gone: psutil.Process) -> None:
    with pytest.raises(psutil.NoSuchProcess):
        tree_usage(gone.pid)
