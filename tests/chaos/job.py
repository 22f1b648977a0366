"""What runs under chaos: AEGIS, or the same job on stock Faust as the control that must fail."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from chaos.schedule import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaos.schedule import Role, Step

STOCK: Final = ("at_least_once", "exactly_once")
"""Processing guarantees of stock Faust."""


@dataclass(frozen=True)
class Job:
    """A kind of workers.

    Attributes:
        name: What the report calls it.
        roles: Which roles there are.
        command: Returns the command line of a slot.
        calm_seconds: How long after the last fault everything may take to be done.
        ready_seconds: How long a fault waits for its target to be at work before it hits anyway.
    """

    name: str
    roles: tuple[Role, ...]
    command: Callable[[str, int], list[str]]
    calm_seconds: float
    ready_seconds: float

    @property
    def control(self) -> bool:
        """Whether it is expected to fail."""
        return self.name != AEGIS.name

    def steps(self, planned: Sequence[Step]) -> list[Step]:
        """Return the steps that apply.

        Stock Faust has no sealer, no fault points of ours, and no rule about clocks.
        """
        if not self.control:
            return list(planned)
        kept = [step for step in planned if step.role in (*self.roles, "")]
        kept = [step for step in kept if step.action != "clock"]
        return [step._replace(action="kill") if step.action == "inject" else step for step in kept]


def _aegis(role: str, slot: int) -> list[str]:
    return [sys.executable, "-m", "chaos.clocked", "worker", role, "--slot", str(slot)]


def _stock(guarantee: str, role: str, slot: int) -> list[str]:
    return [sys.executable, "-m", "chaos.control", role, str(slot), guarantee]


AEGIS: Final = Job("aegis", ROLES, _aegis, calm_seconds=180.0, ready_seconds=180.0)


def stock(guarantee: str) -> Job:
    """Return the control with one of stock Faust's guarantees."""
    command = partial(_stock, guarantee)
    return Job(f"stock {guarantee}", ("decide",), command, calm_seconds=60.0, ready_seconds=20.0)
