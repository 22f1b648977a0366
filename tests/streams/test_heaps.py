"""Threads of a worker share the heaps of the C library."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from aegis_streams.runtime.heaps import HEAPS

COUNTED = """
import ctypes, sys, threading
from aegis_streams.runtime.heaps import share_heaps
assert sys.argv[1] == "plain" or share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
all_have_some = threading.Barrier(9)
def take():
    libc.malloc(1000)
    all_have_some.wait(30)
threads = [threading.Thread(target=take) for _ in range(8)]
for each in threads: each.start()
all_have_some.wait(30)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


def heaps(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, how], capture_output=True, check=True, timeout=60
    )
    return done.stdout.count(b"<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc alone")
def test_eight_threads_share_two_heaps() -> None:
    assert heaps("plain") > HEAPS
    assert heaps("shared") == HEAPS
