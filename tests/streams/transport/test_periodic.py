"""A task that is repeated beside everything else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from aegis_streams.transport.periodic import Periodic

if TYPE_CHECKING:
    import pytest

SECONDS = 10.0


class Turns:
    """Counts turns; the first one raises."""

    def __init__(self) -> None:
        self.count = 0
        self.third = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        if self.count == 1:
            raise LookupError("the first turn")
        if self.count == 3:
            self.third.set()


def test_a_turn_that_fails_is_told_and_the_next_ones_come(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns = Turns()
    periodic = Periodic("watcher", 0.001, turns)
    periodic.start()
    try:
        assert turns.third.wait(SECONDS)
    finally:
        periodic.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "watcher: a turn failed; the next one comes all the same"
    ]
    assert "LookupError: the first turn" in caplog.text


def test_who_is_stopped_before_the_first_turn_has_none() -> None:
    turns = Turns()
    periodic = Periodic("watcher", 0.001, turns)
    periodic.stop()
    periodic.start()
    assert not turns.third.wait(0.05)
    assert turns.count == 0
