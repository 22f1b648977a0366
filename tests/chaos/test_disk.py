"""A disk that is really full, where the machine permits one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.disk import why_not

if TYPE_CHECKING:
    import pytest

TESTS = Path(__file__).parents[1]
FILLS = """
import errno, sys
from pathlib import Path
from chaos.disk import Disk, own_namespace, why_not

own_namespace(sys.argv)
place = Path(sys.argv[1])
if why_not():
    sys.exit(print("cannot:", why_not()))
with Disk(place, 8) as disk:
    (place / "log").write_bytes(bytes(1024 * 1024))
    disk.fill()
    try:
        (place / "more").write_bytes(bytes(1024 * 1024))
    except OSError as error:
        print(errno.errorcode[error.errno])
    disk.free()
    (place / "more").write_bytes(bytes(1024 * 1024))
    print((place / "log").stat().st_size + (place / "more").stat().st_size)
print(list(place.iterdir()))
"""


def test_a_full_disk_refuses_and_a_freed_one_takes_again(tmp_path: Path) -> None:
    script, place = tmp_path / "fills.py", tmp_path / "disk"
    script.write_text(FILLS, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(script), str(place)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    if not run.stdout.startswith("cannot:"):
        assert run.stdout.split("\n")[:3] == ["ENOSPC", str(2 * 1024 * 1024), "[]"]
        assert not list(place.iterdir())


def test_a_machine_that_cannot_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root" in why_not()
