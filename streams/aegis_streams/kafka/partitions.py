"""The partitioner that every producer of a deployment shares."""

from __future__ import annotations

from aiokafka.partitioner import murmur2


def murmur2_partition(key: bytes, partitions: int) -> int:
    """Return the partition of a key as Java's default partitioner and `murmur2_random` do.

    Args:
        key: The record key, not empty.
        partitions: Number of partitions of the topic, at least 1.
    """
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
