"""Workers on a real Kafka, hurt in every way; then the oracle counts."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import EXIT_FAULT
from support.transport_crew import SECONDS, Crew

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.stack import RunningStack

pytestmark = pytest.mark.stack


def whole(crew: Crew, records: int) -> None:
    assert crew.caught_up(), crew.verdict()
    verdict = crew.verdict()
    assert verdict.inputs == verdict.outputs == records
    assert verdict[2:] == (0, 0, 0, 0), verdict


@pytest.fixture
def crew(stack: RunningStack, tmp_path: Path) -> Iterator[Crew]:
    with Crew(stack, tmp_path) as made:
        yield made


def test_a_worker_drains_on_sigterm_and_the_next_one_goes_on(crew: Crew) -> None:
    crew.start(0)
    for records in (300, 1_300):  # the second worker has to do some of them
        sending = crew.send(1_000, 500.0)
        assert crew.came_out(records)
        assert crew.terminate(0) == 0
        crew.tend()
        sending.join()
    whole(crew, 2_000)
    assert crew.end() == [0]


@pytest.mark.chaos
def test_kills_around_the_commit_lose_and_double_nothing(
    stack: RunningStack, tmp_path: Path
) -> None:
    with Crew(stack, tmp_path, batch_records=50) as crew:  # enough batches, however late one starts
        sending = crew.send(4_000, 500.0)
        for point in ("before", "between", "after"):
            crew.start(0, f"{point}:kill:6")
            assert crew.exit_code(0) == -signal.SIGKILL
        crew.start(0)
        sending.join()
        whole(crew, 4_000)
        assert crew.end() == [0]


@pytest.mark.chaos
def test_a_zombie_that_wakes_up_in_its_commit_is_fenced(crew: Crew) -> None:
    crew.start(0, "between:stop:6")
    sending = crew.send(3_000, 1_500.0)
    assert wait_until(lambda: crew.stopped(0), SECONDS)
    zombie = crew.freeze(0)
    crew.start(0)
    sending.join()
    assert crew.caught_up()
    zombie.send_signal(signal.SIGCONT)
    assert zombie.wait(SECONDS) == EXIT_FAULT
    whole(crew, 3_000)
    assert crew.end() == [0]


@pytest.mark.chaos
def test_kills_zombies_and_rebalances_together(crew: Crew) -> None:
    chance = random.Random(20_261_123)  # noqa: S311  # repeatable chance, no secrets
    for slot in (0, 1):
        crew.start(slot)
    sending = crew.send(9_000, 800.0)
    while sending.is_alive():
        time.sleep(chance.uniform(1.5, 3.0))
        slot = chance.choice([0, 1])
        if chance.random() < 0.6:
            crew.kill(slot)
        else:
            zombie = crew.freeze(slot)
            if chance.random() < 0.5:
                crew.start(slot)
            time.sleep(chance.uniform(1.0, 7.0))
            zombie.send_signal(signal.SIGCONT)
        crew.tend()
    sending.join()
    whole(crew, 9_000)
    assert set(crew.end()) == {0}


@pytest.mark.chaos
def test_a_broker_restart_loses_and_doubles_nothing(stack: RunningStack, crew: Crew) -> None:
    crew.start(0)
    sending = crew.send(2_000, 400.0)
    assert crew.came_out(500)
    stack.restart_broker(kill=True)
    sending.join()
    whole(crew, 2_000)
    assert crew.end() == [0]


def test_a_stall_with_full_buffers_ends_without_a_gap(stack: RunningStack, tmp_path: Path) -> None:
    with Crew(stack, tmp_path, stall=4.0, buffer_records=500, batch_records=100) as crew:
        crew.send(4_000, 20_000.0).join()
        crew.start(0)
        whole(crew, 4_000)
        assert crew.exits == []
        assert crew.end() == [0]
