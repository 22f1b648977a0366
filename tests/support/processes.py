"""A process together with those it has started, of which any may end at any moment."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Usage:
    """What processes use at one moment.

    Attributes:
        rss: Resident memory in bytes.
        handles: Open files and sockets.
        threads: Threads.
        cpu: CPU seconds so far; of children that have ended too, once they are waited for.
    """

    rss: int
    handles: int
    threads: int
    cpu: float


def tree_usage(pid: int) -> Usage:
    """Return what a process and all below it use.

    A child that ends while it is looked at is left out, as if it had ended before.

    Raises:
        psutil.NoSuchProcess: The process itself is gone.
    """
    own = psutil.Process(pid)
    everybody = [_usage(own), *_usages(own.children(recursive=True))]
    return Usage(
        sum(each.rss for each in everybody),
        sum(each.handles for each in everybody),
        sum(each.threads for each in everybody),
        sum(each.cpu for each in everybody),
    )


def _usages(children: list[psutil.Process]) -> Iterator[Usage]:
    for child in children:
        with suppress(psutil.NoSuchProcess):
            yield _usage(child)


def _usage(process: psutil.Process) -> Usage:
    with process.oneshot():
        return Usage(
            process.memory_info().rss,
            process.num_fds(),
            process.num_threads(),
            sum(process.cpu_times()[:4]),
        )
