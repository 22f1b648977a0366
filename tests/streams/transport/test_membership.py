"""Partitions that the group gives to nobody: how that happens, and that workers see to it."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from confluent_kafka import KafkaError, KafkaException

from aegis_streams.stack.processes import wait_until
from aegis_streams.transport import TransportSettings
from aegis_streams.transport.clients import KafkaClients
from aegis_streams.transport.errors import StuckError
from aegis_streams.transport.failstop import FailStop
from aegis_streams.transport.membership import GroupMonitor, Subscription
from support import transport_counter, transport_deserter
from support.stack import unique
from support.transport_crew import PARTITIONS, SECONDS, Crew
from support.transport_deserter import member
from support.transport_fakes import FakeClients, FakeCluster
from support.transport_worker import GROUP, INPUT, RecordingObserver, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.stack import RunningStack

ME = f"{GROUP}-0"
PEER = f"{GROUP}-1"
SHARED = Subscription(INPUT, 4)


class Watched:
    """A monitor of a made-up group of four partitions."""

    def __init__(self, **members: frozenset[int]) -> None:
        self.cluster = FakeCluster()
        self.cluster.members = {name.replace("_", "-"): owned for name, owned in members.items()}
        self.observer = RecordingObserver()
        self.failstop = no_end(self.observer)
        self.monitor = GroupMonitor(
            settings(group_interval=10, watchdog_timeout=30),
            SHARED,
            FakeClients(self.cluster, GROUP),
            self.observer,
            self.failstop,
        )

    def look(self) -> bool:
        """Look once, and tell whether the group had to rebalance."""
        before = self.cluster.calls.count("rebalance")
        self.monitor.look()
        return self.cluster.calls.count("rebalance") > before


def no_end(observer: RecordingObserver) -> FailStop:
    """What notes a fault and ends nothing."""
    return FailStop(observer, 3_600.0, lambda _: None)


def test_partitions_unowned_twice_in_a_row_make_the_group_rebalance_once() -> None:
    group = Watched(counter_0=frozenset({0, 1}))
    assert [group.look() for _ in range(3)] == [False, True, False]
    assert group.observer.unowned_counts == [2, 2, 2]


def test_other_partitions_than_before_are_still_on_their_way() -> None:
    group = Watched(counter_0=frozenset({0, 1}))
    assert not group.look()
    group.cluster.members = {ME: frozenset({0, 2})}
    assert not group.look()


def test_a_whole_group_is_left_alone() -> None:
    group = Watched(counter_0=frozenset({0, 1}), counter_1=frozenset({2, 3}))
    assert [group.look() for _ in range(3)] == [False] * 3
    assert group.observer.unowned_counts == [0, 0, 0]


def test_only_the_first_of_the_members_acts() -> None:
    group = Watched(counter_0=frozenset({0}), counter_1=frozenset({2, 3}))
    observer = RecordingObserver()
    clients = FakeClients(group.cluster, GROUP)
    second = GroupMonitor(settings(slot=1), SHARED, clients, observer, no_end(observer))
    second.look()
    second.look()
    assert "rebalance" not in group.cluster.calls
    assert [group.look(), group.look()] == [False, True]


def test_who_is_not_a_member_does_not_judge() -> None:
    group = Watched(counter_1=frozenset({0}))
    assert [group.look() for _ in range(3)] == [False] * 3
    assert group.observer.unowned_counts == [0] * 3


def test_a_worker_that_is_in_no_group_ends_itself() -> None:
    group = Watched(counter_1=frozenset({0, 1, 2, 3}))
    for _ in range(3):
        group.look()
    assert not group.failstop.failed
    group.look()
    assert isinstance(group.failstop.cause, StuckError)
    assert "no member of group counter for 40 s" in str(group.failstop.cause)


@pytest.mark.parametrize("seen", [True, False])
def test_a_seat_that_was_seen_and_a_broker_that_was_away_begin_the_count_anew(seen: bool) -> None:
    group = Watched(counter_1=frozenset({0, 1, 2, 3}))
    for _ in range(3):
        group.look()
    if seen:
        group.cluster.members[ME] = frozenset()
    else:
        group.cluster.fail_next("members", KafkaError(KafkaError._TRANSPORT, "gone"))
    group.look()
    group.cluster.members.pop(ME, None)
    for _ in range(3):
        group.look()
    assert not group.failstop.failed
    group.look()
    assert group.failstop.failed


def test_a_broker_that_does_not_answer_is_no_finding() -> None:
    group = Watched(counter_0=frozenset({0}))
    assert not group.look()
    group.cluster.fail_next("members", KafkaError(KafkaError._TRANSPORT, "gone"))
    assert not group.look()
    assert group.observer.unowned_counts == [3]
    assert group.look()


@pytest.mark.parametrize("state", ["Stable", "PreparingRebalance"])
def test_a_guest_is_no_member_and_a_group_on_the_move_has_none(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = KafkaClients(settings())

    def one(name: str, client: str, *partitions: int) -> SimpleNamespace:
        given = ConsumerProtocolMemberAssignment(0, [(INPUT, list(partitions))], b"").encode()
        return SimpleNamespace(id=f"{name}-{uuid4()}", client_id=client, assignment=given)

    seated = one(ME, f"{ME}-consumer", 0, 2)
    guest = one(f"{ME}-visitor", f"{ME}-visitor", 1)
    group = SimpleNamespace(error=None, state=state, members=[seated, guest])
    admin = SimpleNamespace(list_groups=lambda _, timeout: [group] if timeout else [])
    monkeypatch.setattr(clients, "_admin", admin)
    assert clients.members(1) == ({ME: frozenset({0, 2})} if state == "Stable" else {})
    group.error = KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    with pytest.raises(KafkaException):
        clients.members(1)


@contextmanager
def deserter(stack: RunningStack, group: str, instance: str, topic: str) -> Iterator[None]:
    """Let a member own everything, and see it die when the block makes it give something up."""
    command = [sys.executable, transport_deserter.__file__, stack.bootstrap]
    with subprocess.Popen([*command, group, instance, topic], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"owns\n"
            yield
            assert process.wait(SECONDS) == 9
        finally:
            process.kill()


@pytest.mark.stack
def test_a_static_member_that_dies_giving_up_leaves_partitions_to_nobody(
    stack: RunningStack,
) -> None:
    # Away: `GroupMonitor`. The group settles and stays so for longer than a session.
    topic, group = stack.topic("unowned", PARTITIONS), unique("unowned")
    seats = [f"{group}-0", f"{group}-1"]
    clients = KafkaClients(TransportSettings(bootstrap=stack.bootstrap, group=group))
    first, second = (member(stack.bootstrap, group, seat) for seat in seats)

    def owned() -> list[int]:
        for each in (first, second):
            each.poll(0.05)
        return sorted(p for each in clients.members(10).values() for p in each)

    with deserter(stack, group, seats[1], topic):
        first.subscribe([topic])
    second.subscribe([topic])
    try:
        assert wait_until(lambda: 0 < len(owned()) < PARTITIONS, SECONDS)
        over = time.monotonic() + 8
        while time.monotonic() < over:
            assert len(owned()) < PARTITIONS
        clients.rebalance(topic, 30)
        assert wait_until(lambda: owned() == list(range(PARTITIONS)), SECONDS)
    finally:
        first.close()
        second.close()


@pytest.mark.stack
def test_workers_see_to_partitions_that_belong_to_nobody(
    stack: RunningStack, tmp_path: Path
) -> None:
    with Crew(stack, tmp_path) as crew:
        topic = transport_counter.input_topics(crew.group)[0]
        with deserter(stack, crew.group, f"{crew.group}-1", topic):
            crew.start(0)
        crew.start(1)
        crew.send(2_000, 2_000.0).join()
        assert crew.caught_up()
        assert crew.verdict()[2:] == (0, 0, 0, 0)
        assert crew.end() == [0, 0]
