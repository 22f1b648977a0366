from __future__ import annotations

import math
import threading
from unittest.mock import patch

from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from aegis_streams.transport.buffer import RecordBuffer

NOW = -math.inf
"""No waiting for the time of the next batch."""


def records(*sizes: int) -> list[Message]:
    return [Message(offset=i, value=b"x" * size) for i, size in enumerate(sizes)]


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=8), max_size=5),
    st.integers(1, 6),
    st.integers(1, 80),
)
def test_everything_comes_out_once_in_order_within_the_limits(
    offers: list[list[int]], most_records: int, most_bytes: int
) -> None:
    buffer, offered, taken = RecordBuffer(), list[Message](), list[Message]()
    for sizes in offers:
        batch = records(*sizes)
        offered += batch
        buffer.offer(batch)
    while True:
        got, size = buffer.take(most_records, most_bytes)
        if not got:
            break
        assert size == sum(map(len, got))
        assert len(got) <= most_records
        assert size <= most_bytes or len(got) == 1
        taken += got
    assert [id(m) for m in taken] == [id(m) for m in offered]
    assert buffer.records == buffer.size == 0


def test_a_closed_buffer_is_empty_and_stays_so() -> None:
    buffer = RecordBuffer()
    buffer.offer(records(1, 2))
    buffer.close()
    buffer.offer(records(3))
    assert buffer.take(10, 10) == ([], 0)
    assert not buffer.wait(0.0, NOW, 1, 5.0)


def test_waiting_ends_with_the_first_record_when_there_is_no_linger() -> None:
    buffer = RecordBuffer()
    threading.Timer(0.02, buffer.offer, [records(1)]).start()
    assert buffer.wait(0.0, NOW, 100, 10.0)
    assert buffer.waiting_since is not None


def test_lingering_ends_when_there_is_enough() -> None:
    buffer = RecordBuffer()
    buffer.offer(records(1))
    threading.Timer(0.02, buffer.offer, [records(1, 1)]).start()
    assert buffer.wait(60.0, NOW, 3, 10.0)
    assert buffer.records == 3


def test_lingering_is_counted_from_the_oldest_record() -> None:
    times = iter([100.0, 100.2])
    buffer = RecordBuffer(lambda: next(times))
    buffer.offer(records(1))
    assert buffer.wait(0.1, NOW, 100, 10.0)


def test_a_batch_waits_for_its_time() -> None:
    times = iter([100.0, 100.2, 100.5, 101.0])
    buffer = RecordBuffer(lambda: next(times))
    buffer.offer(records(1))
    with patch.object(threading.Condition, "wait", return_value=True) as wait:
        assert buffer.wait(0.1, 101.0, 100, 10.0)
    assert [round(call.args[0], 3) for call in wait.call_args_list] == [0.8, 0.5]


def test_a_whole_batch_does_not_wait_for_its_time() -> None:
    buffer = RecordBuffer()
    buffer.offer(records(1, 1))
    assert buffer.wait(0.0, math.inf, 2, 10.0)


def test_waiting_gives_up_when_nothing_comes() -> None:
    assert not RecordBuffer().wait(0.0, NOW, 1, 0.01)
