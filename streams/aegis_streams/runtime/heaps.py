"""How many heaps of the C library the threads of a worker share."""

from __future__ import annotations

import ctypes
import platform
from typing import Final

HEAPS: Final = 2
"""Heaps of all threads together; each more can keep what the others could use."""
_M_ARENA_MAX: Final = -8
"""Number of the setting in glibc's ``malloc.h``."""


def share_heaps() -> bool:
    """Let all threads share `HEAPS` heaps; to be called before there are threads.

    By default glibc gives threads heaps of their own, up to eight for each core. A record is taken
    in by one thread of the Kafka client, freed by another and answered by a third, so such heaps
    fill with holes, and a worker of some forty threads grows for hours without one object more.

    Returns:
        Whether the C library knows the setting; musl and others have nothing of that kind.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, HEAPS))
