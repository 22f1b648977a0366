"""A worker's wall clock that jumps."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from chaos.clocked import VARIABLE, set_shift, shifted

TESTS = Path(__file__).parents[1]


def test_a_clock_follows_its_file(tmp_path: Path) -> None:
    path = tmp_path / "clocks" / "decide-0"
    set_shift(path, 0)
    clock = shifted(str(path), lambda: 1_000.0)
    assert clock() == 1_000.0
    set_shift(path, 3_600)
    assert clock() == 4_600.0
    set_shift(path, -301)
    assert clock() == 699.0


def test_the_clock_of_a_whole_process_is_shifted(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    set_shift(path, 86_400)
    script = (
        "import sys, chaos.clocked as c, time\n"
        "sys.argv = ['x', 'version']\n"
        "c.main()\n"
        "from aegis_streams.decide.decider import Decider\n"
        "print(Decider.__init__.__defaults__[0]())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(TESTS), VARIABLE: str(path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = float(run.stdout.split()[-1])
    assert abs(found - time.time() - 86_400) < 600
