"""What is done to the deployment and when: a function of the seed and the duration alone.

A run is a row of rounds. Each round deals one deck: every kind of fault in the numbers that the
short run promises, in an order drawn from the seed. A step is carried out no earlier than its
time, and waits (within a deadline) until its target is at work, so that no fault hits a process
that is still starting.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Final, Literal, NamedTuple

ROUND_SECONDS: Final = 100.0
"""Length of a round in which one deck is dealt."""

SLOTS: Final = (0, 1)
EXTRA_SLOT: Final = 2
"""Slot of a worker that joins for a while."""

Role = Literal["decide", "seal"]
ROLES: Final[tuple[Role, ...]] = ("decide", "seal")
POINTS: Final = ("before", "between", "after")


class Step(NamedTuple):
    """One fault.

    Attributes:
        at: Seconds since the load began; earlier it is not carried out.
        action: Name in `chaos.actions.ACTIONS`.
        role: Which workers, empty for the broker.
        slot: Which of them.
        seconds: How long it lasts, where it lasts.
        detail: What else the action needs: the fault plan of an injection.
    """

    at: float
    action: str
    role: Role | Literal[""] = ""
    slot: int = 0
    seconds: float = 0.0
    detail: str = ""

    @property
    def target(self) -> str:
        """Name of what is hit."""
        return f"{self.role}-{self.slot}" if self.role else "kafka"


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
        deck = _deck(chance)
        pace = length / len(deck)
        for place, step in enumerate(deck):
            at = number * length + (place + chance.uniform(0.1, 0.9)) * pace
            steps.append(step._replace(at=round(at, 2)))
    return sorted(steps)


def counts(steps: list[Step]) -> Counter[str]:
    """Return how often each action is planned."""
    return Counter(step.action for step in steps)


def _deck(chance: random.Random) -> list[Step]:
    """Return the steps of one round in their order, without their times."""
    deck = [*_kills(), *_zombies(chance), *_injections(chance), *_members(chance)]
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
