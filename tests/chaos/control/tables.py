"""Tables of the control: Faust keeps all partitions in one dictionary, so keys carry the number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.records import bodies
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY, Head
from aegis_streams.kafka.scan import scan
from aegis_streams.names import AUDIT, INPUT_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.records import Records
    from aegis_streams.settings import Settings
    from chaos.oracle.evidence import PartitionEvidence
PREFIX: Final = "stock-"
"""Its tables have changelogs of their own: Faust's recovery waits for ever for the last record of a
changelog that ends in a transaction marker, as genesis leaves them."""


class Slice:
    """One partition's part of a Faust table.

    Args:
        table: The table.
        partition: Number of the partition.
        genesis: What holds where the table has nothing yet.
    """

    def __init__(self, table: Any, partition: int, genesis: Mapping[bytes, bytes]) -> None:
        self._table = table
        self._prefix = bytes([partition])
        self._genesis = genesis

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None if there is none."""
        found: bytes | None = self._table.get(self._prefix + key)
        return self._genesis.get(key) if found is None else found

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""
        self._table[self._prefix + key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key."""
        self._table.pop(self._prefix + key, None)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Return the pairs of key and value."""
        for key, value in self._table.items():
            if key[:1] == self._prefix:
                yield key[1:], value


def genesis_tables(settings: Settings, records: Records) -> list[dict[str, dict[bytes, bytes]]]:
    """Return per partition what the tables held when the deployment was opened."""
    found = []
    for partition in range(settings.partitions):
        first = next(iter(scan(settings.bootstrap, AUDIT, partition, 0)))
        found.append({"heads": genesis_heads(records.decode_audit(first.value))})
    return found


def genesis_heads(first: AuditEntry) -> dict[bytes, bytes]:
    """Return the table of heads as the first leaf of a log left it."""
    opened = bodies.decode(first.body).fields
    head = Head(
        log=first.log,
        partitions=opened["partitions"],
        sequence=1,
        entry_hash=first.entry_hash,
        leaf_time=opened["leaf_time"],
        offsets=dict.fromkeys(INPUT_TOPICS, 0),
        parameters_sha256=opened["parameters_sha256"],
        evaluator=opened["evaluator"],
    )
    return {HEAD_KEY: head.to_bytes(), PARAMETERS_KEY: opened["parameters"]}


def strip_prefixes(evidence: PartitionEvidence) -> None:
    """Give the tables of the control the keys that the oracle knows."""
    prefix = bytes([evidence.partition])
    for name, table in evidence.tables.items():
        own = {key[1:]: value for key, value in table.items() if key[:1] == prefix}
        genesis = genesis_heads(evidence.leaves[0].entry) if name == "heads" else {}
        evidence.tables[name] = {**genesis, **own}
