"""The decider's work one record at a time, as engines without batches hand it out.

The same `Processor` and `Records` as in the decider and in the bare loop: only state and output are
the engine's. After each record head and touched window are written to the engine's state, because
such an engine may commit after any of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from aegis_codecs.records.proposals import ProposalDecoder
from aegis_governance.config import AegisConfig
from aegis_streams.decide.head import HEAD_KEY, PARAMETERS_KEY
from aegis_streams.decide.outbox import Outbox
from aegis_streams.decide.processor import Processor, Tables
from aegis_streams.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aegis_streams.decide.horizon import KeyValue
    from aegis_streams.decide.identity import InputRecord
    from aegis_streams.transport.batch import Headers
    from bench.peers.work import Work


class Output(NamedTuple):
    """A record to produce, under one of our topic names."""

    topic: str
    key: bytes | None
    value: bytes | None


class OneByOne:
    """Decides single records of any partition.

    Args:
        work: What to do.
        table: Makes the table of a name and a partition, in the engine's state.
    """

    def __init__(self, work: Work, table: Callable[[str, int], KeyValue]) -> None:
        self._work = work
        self._table = table
        self._records = Records(work.registry_url)
        self._parameters = AegisConfig.from_yaml(work.parameters_file).to_bytes()
        self._partitions: dict[int, _Partition] = {}

    def decide(self, record: InputRecord) -> Sequence[Output]:
        """Return what follows from a record; the state is changed."""
        partition = self._partitions.get(record.partition)
        if partition is None:
            partition = self._partitions[record.partition] = self._open(record.partition)
        return partition.decide(record)

    def _open(self, number: int) -> _Partition:
        tables = Tables(*(self._table(name, number) for name in Tables._fields))
        if tables.heads.get(HEAD_KEY) is None:
            head = json.dumps(self._work.heads[number], separators=(",", ":"))
            tables.heads.put(HEAD_KEY, head.encode())
            tables.heads.put(PARAMETERS_KEY, self._parameters)
        return _Partition(number, tables, self._records)


class _Partition:
    def __init__(self, number: int, tables: Tables, records: Records) -> None:
        self._made: list[Output] = []
        outbox = Outbox(records)
        outbox.begin(self)
        decoder = ProposalDecoder(records.schemas)
        self._processor = Processor(number, tables, decoder, outbox.leaves, outbox.dead_letter)

    def emit(
        self, topic: str, *, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        del headers
        self._made.append(Output(topic, key, value))

    def decide(self, record: InputRecord) -> list[Output]:
        self._processor.process([record])
        self._processor.flush()
        made, self._made = self._made, []
        return made
