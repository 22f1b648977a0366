"""Where reading begins is settled at once, and a position that is lost is told."""

from __future__ import annotations

from typing import Literal

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from aegis_streams.client.errors import PositionLostError
from aegis_streams.client.positions import Start, settle_group, start_positions
from aegis_streams.errors import UnavailableError

TOPIC = "aegis.decisions"
NONE = -1001


class Group:
    """Two partitions of a topic and the offsets of a group.

    Args:
        offsets: The group's offsets by partition.
        bounds: First and next offset by partition.
    """

    def __init__(
        self, *offsets: int, bounds: tuple[tuple[int, int], ...] = ((0, 9), (3, 7))
    ) -> None:
        self.offsets = list(offsets)
        self.bounds = bounds
        self.refusal: int | None = None
        self.others: list[int] = []

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        return self.bounds[partition.partition]

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert timeout > 0
        return [
            TopicPartition(each.topic, each.partition, self.offsets[each.partition])
            for each in partitions
        ]

    def commit(
        self, *, offsets: list[TopicPartition], asynchronous: Literal[False]
    ) -> list[TopicPartition]:
        assert not asynchronous
        if self.refusal is not None:
            self.offsets = self.others or self.offsets
            raise KafkaException(KafkaError(self.refusal))
        for each in offsets:
            self.offsets[each.partition] = each.offset
        return offsets


def settle(group: Group, start: Start = "latest", *, been_here: bool = False) -> bool:
    return settle_group(group, TOPIC, 2, start, been_here=been_here)


@pytest.mark.parametrize(("start", "offsets"), [("latest", [9, 7]), ("earliest", [0, 3])])
def test_a_new_group_has_its_start_at_once(start: Start, offsets: list[int]) -> None:
    group = Group(NONE, NONE)
    assert settle(group, start)
    assert group.offsets == offsets


def test_a_group_that_was_here_goes_on_where_it_stopped() -> None:
    group = Group(4, 3)
    assert not settle(group, been_here=True)
    assert group.offsets == [4, 3]


def test_partitions_without_offsets_of_a_group_that_was_here_lose_nothing() -> None:
    group = Group(4, NONE)
    assert not settle(group)
    assert group.offsets == [4, 3]


def test_a_position_that_was_deleted_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(PositionLostError, match=r"\[1\]: the group stopped at 2.*reset-offsets"):
        settle(Group(4, 2))


def test_offsets_that_were_deleted_are_noticed_by_what_was_seen() -> None:
    with pytest.raises(PositionLostError, match=r"it has been here before.*reset-offsets"):
        settle(Group(NONE, NONE), been_here=True)


def test_whoever_comes_second_takes_the_start_of_the_first() -> None:
    group = Group(NONE, NONE)
    group.refusal, group.others = KafkaError.UNKNOWN_MEMBER_ID, [8, 6]
    assert not settle(group)
    assert group.offsets == [8, 6]


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (KafkaError.UNKNOWN_MEMBER_ID, "let nobody set them"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "start of the group not kept"),
    ],
)
def test_a_start_that_cannot_be_kept_is_told(refusal: int, told: str) -> None:
    group = Group(NONE, NONE)
    group.refusal = refusal
    with pytest.raises(UnavailableError, match=told):
        settle(group)


@pytest.mark.parametrize(("start", "offsets"), [("latest", [9, 7]), ("earliest", [0, 3])])
def test_a_reader_without_a_group_begins_at_offsets_too(start: Start, offsets: list[int]) -> None:
    found = start_positions(Group(), TOPIC, range(2), start)
    assert [(each.topic, each.partition) for each in found] == [(TOPIC, 0), (TOPIC, 1)]
    assert [each.offset for each in found] == offsets
