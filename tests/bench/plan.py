"""How much a run measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECTIONS: Final = (
    "budget",
    "decide",
    "bare",
    "seal",
    "together",
    "latency",
    "failover",
    "restore",
    "disk",
    "sink",
    "fsck",
)
"""Everything that can be measured, in the order in which it is."""


@dataclass(frozen=True)
class Plan:
    """Sizes of one run.

    Attributes:
        sections: What is measured, a selection of `SECTIONS`.
        records: Proposals of one backlog.
        rounds: Backlogs that are worked off by each of decider, bare loop and sealer in turn; the
            median round counts.
        rate: Proposals a second for latency and failover.
        seconds: How long latency is measured, after `warm_up`.
        warm_up: Seconds of the same load before that; a broker that has just started spends half a
            core on compiling itself for more than a minute.
        kills: Kills of each worker.
        keys: Keys of the changelog that is restored.
        samples: Proposals in the budget's sample.
        judged: Leaves of the synthetic log over which the judge's memory is measured.
        repeats: Passes over it; the quickest counts.
    """

    sections: tuple[str, ...] = SECTIONS
    records: int = 200_000
    rounds: int = 3
    rate: int = 500
    seconds: float = 20.0
    warm_up: float = 100.0
    kills: int = 3
    keys: int = 1_000_000
    samples: int = 2_000
    judged: int = 1_000_000
    repeats: int = 30

    @classmethod
    def quick(cls) -> Plan:
        """Return a plan that shows that everything runs; its figures say little."""
        return cls(
            records=12_000,
            rounds=1,
            rate=200,
            seconds=3.0,
            warm_up=1.0,
            kills=1,
            keys=20_000,
            samples=200,
            judged=20_000,
            repeats=3,
        )
