"""Plain Kafka: reading partitions to their end, outside any consumer group."""

from __future__ import annotations

from aegis_streams.kafka.partitions import murmur2_partition
from aegis_streams.kafka.scan import Scanned, scan, tail

__all__ = ["Scanned", "murmur2_partition", "scan", "tail"]
