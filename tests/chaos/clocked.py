"""`python -m chaos.clocked VERB ...`: `aegis` with a wall clock that can be made to jump.

`time.time` is replaced before anything of the product is imported, so every clock that is injected
by default is the shifted one. The shift is eight bytes in a file that the process maps, so a jump
takes effect at once. The monotonic clock stays: no machine's clock jump moves it.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIABLE: Final = "AEGIS_CHAOS_CLOCK"
"""Names the file with the shift, seconds as a little-endian float64."""
_SHIFT: Final = struct.Struct("<d")


def set_shift(path: Path, seconds: float) -> None:
    """Make the clock of whoever maps `path` jump to `seconds` from the true time."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_SHIFT.pack(0.0))
    with path.open("r+b") as file:
        file.write(_SHIFT.pack(seconds))


def shifted(path: str, true: Callable[[], float] = time.time) -> Callable[[], float]:
    """Return a clock that follows a file."""
    with open(path, "rb") as file:  # noqa: PTH123  # before anything is imported
        mapped = mmap.mmap(file.fileno(), _SHIFT.size, prot=mmap.PROT_READ)

    def clock() -> float:
        return true() + float(_SHIFT.unpack_from(mapped)[0])

    return clock


def main() -> int:
    """Run the command with the shifted clock."""
    time.time = shifted(os.environ[VARIABLE])
    from aegis_governance.cli import main as aegis  # noqa: PLC0415  # after the clock

    return aegis(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
