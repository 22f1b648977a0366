"""What the figures were measured on, and how busy it was with other things."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
from confluent_kafka import libversion

_YARD_STEPS: Final = 2_000
_YARD_REPEATS: Final = 25


class Load(NamedTuple):
    """How busy the machine is at one moment.

    Attributes:
        load1: Load average of the last minute.
        yardstick: CPU microseconds of a fixed step of Python work, the median of some repeats.
            Work of others on the same cores makes it grow: caches and sibling threads are shared.
        yardstick_best: The best repeat.
    """

    load1: float
    yardstick: float
    yardstick_best: float

    @classmethod
    def now(cls) -> Load:
        """Look; takes about 50 ms of CPU."""
        found = sorted(_yardstick() for _ in range(_YARD_REPEATS))
        return cls(
            round(os.getloadavg()[0], 2), round(found[len(found) // 2], 3), round(found[0], 3)
        )


def facts() -> dict[str, Any]:
    """Return what does not change during a run."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "librdkafka": libversion()[0],
        "fastavro": version("fastavro"),
        "faust": version("faust-streaming"),
        "commit": _commit(),
    }


def _yardstick() -> float:
    """A step of the yardstick in microseconds: hashing, dictionaries, tuples, text."""
    started = time.thread_time()
    table: dict[bytes, tuple[int, str]] = {}
    data = bytes(150)
    for number in range(_YARD_STEPS):
        data = sha256(data).digest()
        table[data] = (number, f"{number}-{number & 7}")
        data += bytes(118)
    return (time.thread_time() - started) / _YARD_STEPS * 1e6


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def _commit() -> str:
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
