"""What is done to the deployment and when: a function of the seed and the duration alone.

A run is a row of rounds. Each round deals one deck: every kind of fault in the numbers that the
short run promises, in an order drawn from the seed. Where there are two rounds or more, each deck
also holds what takes longer: servers that stay away, a bad network, a full disk. A step is carried
out no earlier than its time, and waits (within a deadline) until its target is at work, so that no
fault hits a process that is still starting.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Final, Literal, NamedTuple

ROUND_SECONDS: Final = 120.0
"""Length of a round in which one deck is dealt."""

SLOTS: Final = (0, 1)
EXTRA_SLOT: Final = 2
"""Slot of a worker that joins for a while."""

Role = Literal["decide", "seal"]
ROLES: Final[tuple[Role, ...]] = ("decide", "seal")
POINTS: Final = ("before", "between", "after")
NETWORK: Final = ("slow", "hold", "cut")
"""What can be done to the network between one worker and the broker."""
AWAY: Final = ("registry", "connect", "postgres")
"""Servers besides the broker, each of which stays away for a while."""
SINK: Final = ("connect", "postgres")
"""Those that no worker needs."""
MAX_AHEAD_SECONDS: Final = 300
"""A worker stalls when a record is further ahead of its clock (rule 13)."""


class Step(NamedTuple):
    """One fault.

    Attributes:
        at: Seconds since the load began; earlier it is not carried out.
        action: Name in `chaos.actions.ACTIONS`.
        role: Which workers, empty for a server.
        slot: Which of them.
        seconds: How long it lasts, where it lasts.
        detail: What else the action needs: the fault plan of an injection, the shift of a clock
            in seconds, the weather of a network, how a server ends.
        server: Which server, where it is one.
    """

    at: float
    action: str
    role: Role | Literal[""] = ""
    slot: int = 0
    seconds: float = 0.0
    detail: str = ""
    server: str = "kafka"

    @property
    def target(self) -> str:
        """Name of what is hit."""
        return f"{self.role}-{self.slot}" if self.role else self.server

    @property
    def holds(self) -> str:
        """What no other step may hit at the same time.

        The target, or its network alone. Servers that a worker needs to start go one after the
        other: with one of them away at any time, no worker could ever start.
        """
        if not self.role:
            return self.server if self.server in SINK else "servers"
        return f"{self.target} network" if self.action in NETWORK else self.target


def schedule(seed: int, duration: float) -> list[Step]:
    """Return the steps of a run, in order of time.

    Args:
        seed: Draws order, targets, moments and lengths.
        duration: Seconds of load; at least one whole deck is dealt, however short.
    """
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose, no secret
    rounds = max(1, round(duration / ROUND_SECONDS))
    length = duration / rounds
    steps: list[Step] = []
    for number in range(rounds):
        deck = _deck(chance, _long(chance, number) if rounds > 1 else [])
        pace = length / len(deck)
        for place, step in enumerate(deck):
            at = number * length + (place + chance.uniform(0.1, 0.9)) * pace
            steps.append(step._replace(at=round(at, 2)))
    return sorted(steps)


def counts(steps: list[Step]) -> Counter[str]:
    """Return how often each action is planned."""
    return Counter(step.action for step in steps)


def _deck(chance: random.Random, more: list[Step]) -> list[Step]:
    """Return the steps of one round in their order, without their times."""
    deck = [*_kills(), *_zombies(chance), *_injections(chance), *_members(chance), *_clocks(chance)]
    deck += more
    chance.shuffle(deck)
    broker = [Step(0, "restart_broker"), Step(0, "kill_broker")]
    chance.shuffle(broker)
    quarter = len(deck) // 4  # the two outages lie half a round apart
    return [*deck[:quarter], broker[0], *deck[quarter:-quarter], broker[1], *deck[-quarter:]]


def _kills() -> list[Step]:
    """A kill -9 of each worker."""
    return [Step(0, "kill", role, slot) for role in ROLES for slot in SLOTS]


def _zombies(chance: random.Random) -> list[Step]:
    """One freeze of each worker, longer than its session; half are replaced meanwhile."""
    found = []
    for role in ROLES:
        replaced = chance.choice(SLOTS)
        for slot in SLOTS:
            action = "replace" if slot == replaced else "freeze"
            found.append(Step(0, action, role, slot, round(chance.uniform(7.5, 10.0), 1)))
    return found


def _injections(chance: random.Random) -> list[Step]:
    """A kill at each point of the commit for each role, and one freeze there.

    The worker is killed first, so each of these is two kills.
    """
    found = []
    for role in ROLES:
        frozen = chance.choice(POINTS)
        for point in POINTS:
            action = "stop" if point == frozen else "kill"
            plan = f"{point}:{action}:{chance.randint(2, 12)}"
            slot = chance.choice(SLOTS)
            found.append(Step(0, "inject", role, slot, round(chance.uniform(7.5, 9.0), 1), plan))
    return found


def _members(chance: random.Random) -> list[Step]:
    """A worker of each role leaves and comes back; one more joins and goes."""

    def seconds() -> float:
        return round(chance.uniform(7.0, 9.0), 1)

    return [
        *(Step(0, "leave", role, chance.choice(SLOTS), seconds()) for role in ROLES),
        Step(0, "join", chance.choice(ROLES), EXTRA_SLOT, seconds()),
    ]


def _clocks(chance: random.Random) -> list[Step]:
    """Jumps of one worker's clock: ahead, back a little, back beyond what it may accept."""
    ahead = chance.randint(60, 86_400)
    little = -chance.randint(10, MAX_AHEAD_SECONDS - 60)
    beyond = -chance.randint(MAX_AHEAD_SECONDS + 60, 86_400)
    jumps: list[tuple[Role, int]] = [
        (chance.choice(ROLES), ahead),
        (chance.choice(ROLES), little),
        ("decide", beyond),
    ]
    return [
        Step(0, "clock", role, chance.choice(SLOTS), round(chance.uniform(2.0, 5.0), 1), str(jump))
        for role, jump in jumps
    ]


def _long(chance: random.Random, number: int) -> list[Step]:
    """What only a long run has: bad networks, an absent server, a frozen broker, a full disk."""
    found = [_network(chance, action) for action in NETWORK]
    for server in AWAY if number % 2 else AWAY[1:]:
        how, seconds = chance.choice(("kill", "stop")), round(chance.uniform(5.0, 15.0), 1)
        found.append(Step(0, "outage", seconds=seconds, detail=how, server=server))
    if number % 2 == 0:  # longer than the session a broker has with its controller
        found.append(Step(0, "freeze_broker", seconds=round(chance.uniform(10.0, 14.0), 1)))
    if number % 3 == 1:
        found.append(Step(0, "disk_full", seconds=round(chance.uniform(2.0, 10.0), 1)))
    return found


def _network(chance: random.Random, action: str) -> Step:
    seconds = round(chance.uniform(3.0, 12.0), 1)
    weather = f"{chance.randint(20, 300)} ms, {chance.randint(32, 512)} kB/s"
    detail = weather if action == "slow" else ""
    return Step(0, action, chance.choice(ROLES), chance.choice(SLOTS), seconds, detail)
