"""What Faust 0.15.3 does wrong, as far as the driver works around it.

Each test provokes a defect without a broker. When one fails, upstream has changed: read the
note there and in docs/adr/0002-exactly-once-driver.md, and see which work-around can go.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from faust.tables.manager import TableManager
from faust.transport.consumer import Consumer, TransactionManager
from faust.transport.producer import ProducerBuffer
from faust.types import TP
from intervaltree import IntervalTree  # type: ignore[import-untyped]  # ships no types

SOURCE = TP("source", 3)
TESTS = Path(__file__).parents[2]


def test_the_version_under_test_is_the_pinned_one() -> None:
    assert version("faust-streaming") == "0.15.3"


@pytest.mark.parametrize(
    ("committed", "acked", "offset"),
    [
        (2585, [2586, 2587, 2588, 2589], 2590),  # 2585 is still in hand
        (0, [6, 7, 8, 9], 10),  # 5 is still in hand
        (None, [6, 7, 8, 9], 10),
    ],
)
def test_an_offset_is_committed_past_a_record_still_in_hand(
    committed: int | None, acked: list[int], offset: int
) -> None:
    # Away: Consumer.commit does nothing, lanes commit whole batches.
    consumer = SimpleNamespace(
        _acked={SOURCE: list(acked)},
        _acked_index={SOURCE: set(acked)},
        _gap={SOURCE: IntervalTree()},
        _committed_offset={SOURCE: committed},
    )
    assert Consumer._new_offset(cast("Any", consumer), SOURCE) == offset


class Acked:
    """A message that counts its acks."""

    def __init__(self) -> None:
        self.acks = 0
        self.topic, self.tp, self.offset, self.partition = "", SOURCE, 0, 3
        self.tracked, self.generation_id = True, 0

    def ack(self, *_: object, **__: object) -> bool:
        self.acks += 1
        return True

    on_final_ack = ack


def events(app: faust.App, count: int) -> tuple[list[Acked], list[faust.Event]]:
    messages = [Acked() for _ in range(count)]
    return messages, [
        faust.Event(app, None, number, {}, cast("Any", message))
        for number, message in enumerate(messages)
    ]


async def acks_after_an_error(take: bool) -> list[int]:
    app = faust.App("upstream", broker="kafka://nowhere", store="memory://")
    app.flow_control.resume()
    channel = app.channel()
    stream = channel.stream()
    messages, queued = events(app, 3)
    for event in queued:
        await channel.put(event)
    iterator: Any = (stream.take(3, within=1.0) if take else stream).__aiter__()
    await iterator.__anext__()
    with pytest.raises(ValueError, match="body"):
        await iterator.athrow(ValueError("body"))
    return [message.acks for message in messages]


def test_take_acks_a_batch_whose_body_raised() -> None:
    # Away: a batch is one message of the driver; apps have no take().
    assert asyncio.run(acks_after_an_error(take=True)) == [1, 1, 1]


WITHOUT_CYTHON = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from streams.transport.test_upstream_faust import acks_after_an_error
print(asyncio.run(acks_after_an_error(take=False)))
"""


def test_a_record_whose_handler_raised_is_acked() -> None:
    # Away: TxConsumer._on_ack takes an ack under an exception for what it is, a fault.
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_CYTHON.format(tests=str(TESTS))],
        env=os.environ | {"NO_CYTHON": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.strip() == "[1, 0, 0]", run.stderr


class Buffer(ProducerBuffer):
    """A buffer whose broker takes its time."""

    async def _send_pending(self, fut: Any) -> None:
        del fut
        self.sent = getattr(self, "sent", 0)
        await asyncio.sleep(0.4)
        self.sent += 1


async def flushed(messages: int, *, taken_first: bool) -> tuple[int, int]:
    buffer = Buffer()
    buffer.app = cast("Any", SimpleNamespace(conf=SimpleNamespace(producer_threaded=False)))
    await buffer.start()
    for _ in range(messages):
        buffer.put(cast("Any", object()))
    if taken_first:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.wait_for(buffer.flush(), 0.35)
    left = buffer.size, getattr(buffer, "sent", 0)
    for task in list(buffer._futures):
        task.cancel()
    return left


def test_a_flush_gives_up_after_a_tenth_of_a_second() -> None:
    # Away: nothing passes through the buffer; the changelog is written by the lane.
    queued, sent = asyncio.run(flushed(5, taken_first=False))
    assert queued == 4
    assert sent == 0


def test_a_flush_does_not_count_the_message_on_its_way() -> None:
    queued, sent = asyncio.run(flushed(1, taken_first=True))
    assert (queued, sent) == (0, 0)


class Recorder:
    """A producer that notes the transactions it is used in."""

    def __init__(self) -> None:
        self.sends: list[str | None] = []
        self.commits: list[str] = []

    async def send(self, *_: object, transactional_id: str | None = None) -> None:
        self.sends.append(transactional_id)

    async def commit_transactions(self, by_id: dict[str, object], *_: object, **__: object) -> None:
        self.commits += by_id


def manager(destination: int | None, known: dict[str, int]) -> tuple[Any, Recorder]:
    recorder = Recorder()
    app = SimpleNamespace(
        conf=SimpleNamespace(id="app"),
        assignor=SimpleNamespace(group_for_topic=known.__getitem__),
    )
    made = cast("Any", object.__new__(cast("type", TransactionManager)))
    made.app, made.producer = app, recorder
    made.consumer = SimpleNamespace(key_partition=lambda *_: destination)
    return made, recorder


async def send(made: Any) -> None:
    await TransactionManager.send(made, "out", b"k", b"v", None, None, None)


def test_output_and_offset_stand_in_two_transactions() -> None:
    # Away: one producer per input partition, output keeps the partition number.
    made, recorder = manager(5, defaultdict(int))
    asyncio.run(send(made))
    asyncio.run(TransactionManager.commit(made, {SOURCE: 9}))
    assert recorder.sends == ["app-0-5"]
    assert recorder.commits == ["app-0-3"]


def test_output_without_a_known_partition_stands_in_none() -> None:
    made, recorder = manager(None, {})
    asyncio.run(send(made))
    assert recorder.sends == [None]


def test_output_to_a_topic_that_is_not_subscribed_fails() -> None:
    made, _ = manager(5, {})
    with pytest.raises(KeyError):
        asyncio.run(send(made))


def test_the_stores_offset_is_never_written() -> None:
    # Away: tables live in memory and are restored from the changelog.
    written: list[int] = []
    store = SimpleNamespace(set_persisted_offset=lambda _, offset: written.append(offset))
    made = cast("Any", object.__new__(cast("type", TableManager)))
    made._pending_persisted_offsets = {}
    TableManager.persist_offset_on_commit(made, cast("Any", store), TP("app-t-changelog", 3), 77)
    TableManager.on_commit(made, {SOURCE: 5})
    assert written == []
    assert made._pending_persisted_offsets
