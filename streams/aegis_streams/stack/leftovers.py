"""Ending what a crashed supervisor left running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_streams.stack.processes import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aegis_streams.stack.layout import Layout

SUPERVISOR: Final = "supervisor"
"""Name of the supervisor's own pid file."""
_GRACE_SECONDS: Final = 20.0


def stop_leftovers(layout: Layout, stop_order: Sequence[str], report: Callable[[str], None]) -> int:
    """End every component whose pid file names a living process, and remove all pid files.

    A pid file whose process has died is only removed, even if another process has its id now.

    Args:
        layout: The stack.
        stop_order: Names in the order in which to end them; others come first.
        report: Called with a line for each process ended.

    Returns:
        The number of processes ended.
    """
    rank = {name: place for place, name in enumerate(stop_order)}
    files = sorted(layout.run.glob("*.pid"), key=lambda path: rank.get(path.stem, -1))
    ended = 0
    for path in files:
        process = ProcessIdentity.read(path)
        if path.stem != SUPERVISOR and process is not None and process.alive():
            report(f"{path.stem}: ending process {process.pid}, left by a supervisor that died")
            process.stop(_GRACE_SECONDS)
            ended += 1
        path.unlink(missing_ok=True)
    return ended
