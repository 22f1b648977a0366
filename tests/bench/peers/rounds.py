"""Rounds: everybody works off the same backlog, in an order that rotates."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aegis_streams.names import (
    AUDIT,
    DEAD_LETTERS,
    DECIDE_GROUP,
    DECIDE_TABLES,
    PROPOSALS,
    SEAL_GROUP,
    changelog,
)
from aegis_streams.records import Records
from aegis_streams.stack.processes import wait_until
from bench import bare_loop
from bench.meter import FROM, Offsets, Rate, follow
from bench.peers.agreement import compare, entries, ours
from bench.peers.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.arena import Arena
    from bench.peers.agreement import Agreement
    from bench.peers.programs import Program

CONTENDERS: Final = ("decide", "bare", "kafka-streams", "quix", "faust", "decide+seal")
"""Everybody, in the order of the first round; `seal` is measured right after `decide`."""
_END_SECONDS: Final = 180.0
SHARES: Final[Mapping[str, float]] = {
    "decide": 0.45,
    "decide+seal": 0.45,
    "bare": 0.45,
    "kafka-streams": 1.0,
    "quix": 0.12,
    "faust": 0.04,
}
"""How much of the backlog a contender works off; `decide` and `decide+seal` take turns at it."""
WARM_UPS: Final[Mapping[str, float]] = {"kafka-streams": 0.6}
"""How much of that does not count, where it is more than the usual: the JVM compiles for long."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        records: Proposals of a backlog.
        rounds: Rounds; the median counts.
        contenders: Who takes part, in the order of `CONTENDERS`.
    """

    records: int = 200_000
    rounds: int = 3
    contenders: tuple[str, ...] = CONTENDERS


class Rounds:
    """Measures contenders.

    Args:
        arena: Opens a deployment for each round.
        sizes: How much.
        programs: The peers that were made ready.
    """

    def __init__(self, arena: Arena, sizes: Sizes, programs: Mapping[str, Program]) -> None:
        self.rates: dict[str, list[Rate]] = {}
        self.agreement: dict[str, Agreement] = {}
        self._arena = arena
        self._sizes = sizes
        self._programs = programs
        self._leaves_each = 1.0

    def run(self) -> None:
        """Measure every round; outputs are compared in the first."""
        chosen = self._sizes.contenders
        for number in range(self._sizes.rounds):
            if number:
                self._arena.fresh()
            self._arena.produce("backlog", self._sizes.records)
            order = rotated(chosen, number)
            self._arena.say(f"round {number + 1}: {', '.join(order)}")
            for name in order:
                self._contend(name)
            if number == 0:
                self._agree(chosen)

    def _contend(self, name: str) -> None:
        if name == "decide":
            self._decide()
        elif name == "decide+seal":
            self._both()
        elif name == "bare":
            with self._arena.bare_loop() as pid:
                self._follow_peer("bare", pid, bare_loop.GROUP)
        else:
            work = Work.of(self._arena, name)
            self._arena.make_copies({AUDIT: work.audit, DEAD_LETTERS: work.dead_letters})
            if name == "faust":
                # It would make them itself, and now and then use them before it knows them.
                tables = {
                    changelog(DECIDE_GROUP, t): changelog(work.name, t) for t in DECIDE_TABLES
                }
                self._arena.make_copies(tables)
            # Stock Faust waits for an empty send buffer before it commits offsets, which a busy
            # agent never leaves it: it is counted by the entries it has written instead.
            written = work.audit if name == "faust" else None
            with self._programs[name].running(work) as pid, _log_shown(work):
                self._follow_peer(name, pid, work.name, written)

    def _follow_peer(self, name: str, pid: int, group: str, written: str | None = None) -> None:
        last = self._share(name)
        with self._arena.offsets(group, written or PROPOSALS) as offsets:
            done = offsets.committed if written is None else offsets.end
            rate = follow([pid], done, 0, last, WARM_UPS.get(name, FROM))[0]
            _finish(done, last)
        self._keep(name, rate)

    def _share(self, name: str) -> int:
        return round(self._sizes.records * SHARES[name])

    def _refill(self, name: str) -> None:
        """Produce more if a decider that drained before it stopped left too little to do."""
        with self._arena.offsets(DECIDE_GROUP, PROPOSALS) as offsets:
            first, end = offsets.committed(), offsets.end()
        if end - first < self._share(name):
            self._arena.produce(f"more-{end}", self._sizes.records)

    def _decide(self) -> None:
        self._refill("decide")
        with (
            self._arena.offsets(DECIDE_GROUP, PROPOSALS) as offsets,
            self._arena.offsets(SEAL_GROUP, AUDIT) as leaves,
        ):
            first, before = offsets.committed(), leaves.end()
            with self._arena.deployment.worker("decide") as worker:
                last = first + self._share("decide")
                self._keep(
                    "decide", follow([worker.process.pid], offsets.committed, first, last)[0]
                )
                worker.stop()
            self._leaves_each = (leaves.end() - before) / (offsets.committed() - first)
            self._seal(leaves)

    def _seal(self, offsets: Offsets) -> None:
        first, last = offsets.committed(), offsets.end()
        with self._arena.deployment.worker("seal") as worker:
            rate = follow([worker.process.pid], offsets.committed, first, last)[0]
            _finish(offsets.committed, last - self._arena.settings.partitions)
            worker.stop()
        self._keep("seal", rate)

    def _both(self) -> None:
        arena = self._arena
        self._refill("decide+seal")
        with self._arena.offsets(SEAL_GROUP, AUDIT) as sealed:
            first = sealed.committed()
            with arena.deployment.worker("decide") as one, arena.deployment.worker("seal") as two:
                pids = [one.process.pid, two.process.pid]
                last = first + round(self._share("decide+seal") * self._leaves_each)
                rates = follow(pids, sealed.committed, first, last)
                one.stop()
                _finish(sealed.committed, sealed.end() - arena.settings.partitions)
                two.stop()
        decisions = round(rates[0].records / self._leaves_each)
        cpu = sum(rate.cpu_seconds for rate in rates)
        self._keep("decide+seal", Rate(decisions, rates[0].seconds, cpu))

    def _agree(self, chosen: Sequence[str]) -> None:
        settings = self._arena.settings
        peers = {
            name: Work.of(self._arena, name).audit for name in chosen if name in self._programs
        }
        if "bare" in chosen:
            peers["bare"] = bare_loop.COPIES[AUDIT]
        if not {"decide", "decide+seal"} & set(chosen):
            return
        wanted, records = ours(settings, self._sizes.records), Records(settings.registry_url)
        for name, topic in peers.items():
            found = entries(settings, topic, self._sizes.records)
            self.agreement[name] = agreement = compare(wanted, found, records)
            self._arena.say(
                f"{name}: {agreement.equal:,} of {agreement.entries:,} entries equal ours to the "
                f"byte {agreement.first_difference}"
            )

    def _keep(self, name: str, rate: Rate) -> None:
        self.rates.setdefault(name, []).append(rate)
        self._arena.say(
            f"{name}: {rate.per_second:,.0f}/s, {rate.per_cpu_second:,.0f} per CPU-second"
        )


def rotated(names: Sequence[str], number: int) -> list[str]:
    """Return the order of a round: each begins with another contender."""
    # Two places at a time: with three rounds, first, middle and last thirds change places.
    start = (2 * number) % len(names)
    return [*names[start:], *names[:start]]


def _finish(done: Callable[[], int], last: int) -> None:
    if not wait_until(lambda: done() >= last, _END_SECONDS):
        raise AssertionError(f"only {done()} of {last} were worked off")


@contextmanager
def _log_shown(work: Work) -> Iterator[None]:
    """Add what a peer printed last to a failure of the block."""
    try:
        yield
    except AssertionError as error:
        text = (Path(work.state) / "log").read_text(encoding="utf-8", errors="replace")
        raise AssertionError(f"{error}\n{work.name}: {text[-3000:]}") from error
