"""`python -m outage`: each server of the sink is away for two minutes under load.

The exit code is 0 if every leaf is one row afterwards and nothing was refused, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from outage.drill import SERVERS, outage
from support.sink import running_sink

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drills and say how they went."""
    parser = argparse.ArgumentParser(prog="python -m outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long each is away")
    parser.add_argument("--rate", type=int, default=50, help="proposals a second")
    parser.add_argument("--report", type=Path, default=Path(".aegis/outage"), help="directory")
    chosen = parser.parse_args(arguments)
    found = []
    with running_sink() as sink, sink.deployment.workers(), sink.kept():
        for server in SERVERS:
            done = outage(sink, server, chosen.seconds, chosen.rate)
            found.append(done)
            sys.stdout.write(
                f"{server:<9} away {done.seconds:.0f} s: {done.leaves} leaves, caught up after "
                f"{done.caught_up_seconds:.1f} s, {done.differences} differences, "
                f"{done.refused} refused\n"
            )
            sys.stdout.flush()
    chosen.report.mkdir(parents=True, exist_ok=True)
    text = json.dumps([each._asdict() for each in found], indent=1)
    (chosen.report / "latest.json").write_text(text, encoding="utf-8")
    return 0 if all(each.clean for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
