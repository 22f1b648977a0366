"""What Faust 0.15.3 does to records between consumer, streams and recovery.

More of `test_upstream_faust`: when one of these fails, upstream has changed.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import aiokafka
import faust
import pytest
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from faust.exceptions import ConsistencyError
from faust.tables.recovery import Recovery
from faust.types import TP
from mode.utils.queues import FlowControlEvent, FlowControlQueue

CHANGELOG = TP("app-table-changelog", 3)


def app() -> faust.App:
    made = faust.App("upstream", broker="kafka://nowhere", store="memory://")
    made.flow_control.resume()
    return made


def test_resuming_flow_throws_away_what_is_queued() -> None:
    # Away: `TxTableManager` resumes once and before anything is delivered.
    async def run() -> int:
        flow = FlowControlEvent(initially_suspended=False)
        queue: Any = FlowControlQueue(flow_control=flow, clear_on_resume=True)
        await queue.put("record")
        flow.suspend()
        flow.resume()
        return int(queue.qsize())

    assert asyncio.run(run()) == 0


def recovery(highwater: int, offset: int, position: int | None) -> Any:
    made = cast("Any", object.__new__(cast("type", Recovery)))
    made.active_highwaters = Counter({CHANGELOG: highwater})
    made.active_offsets = Counter({CHANGELOG: offset})
    made.app = SimpleNamespace(consumer=SimpleNamespace(position=lambda _: position))
    return made


def test_recovery_waits_for_the_offset_of_a_transaction_marker() -> None:
    # Away: `restore` reads until the position, which counts control records (ADR 0002, step 4).
    # A changelog of one record and its marker: the highwater is the marker's offset.
    waiting = recovery(highwater=1, offset=0, position=None)
    assert Recovery.active_remaining_total(waiting) == 1


def test_a_stored_offset_above_the_end_of_the_changelog_is_an_error_by_default() -> None:
    # Away: tables live in memory, and the end is read uncommitted.
    assert app().conf.recovery_consistency_check
    source = inspect.getsource(Recovery)
    assert source.count("raise ConsistencyError(") == 2
    assert issubclass(ConsistencyError, Exception)


def test_aiokafka_commits_offsets_without_the_generation() -> None:
    # Away: offsets are sent with the group metadata (KIP-447).
    parameters = inspect.signature(aiokafka.AIOKafkaProducer.send_offsets_to_transaction).parameters
    assert list(parameters) == ["self", "offsets", "group_id"]


def test_aiokafka_knows_no_cooperative_rebalance() -> None:
    # Away: cooperative-sticky of librdkafka; partitions that stay go on.
    assert not hasattr(AbstractPartitionAssignor, "supported_protocols")
    assert not [name for name in dir(aiokafka.AIOKafkaConsumer) if "incremental" in name]


@pytest.mark.parametrize("disabled", [True, False])
def test_the_leader_topic_is_subscribed_unless_it_is_disabled(disabled: bool) -> None:
    # Away: `topic_disable_leader`; its one partition would be mapped to partition 0 of a table.
    made = faust.App("upstream", broker="kafka://nowhere", topic_disable_leader=disabled)
    leader = cast("Any", made._leader_assignor)
    asked: list[str] = []

    async def creates() -> None:
        asked.append("leader topic")

    leader._enable_leader_topic = creates
    asyncio.run(leader.on_start())
    assert bool(asked) is not disabled
