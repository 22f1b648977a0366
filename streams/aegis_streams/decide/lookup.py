"""Bringing the schemas that a batch names into the cache, before its transaction holds anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import RegistryUnreachableError
from aegis_codecs.records.errors import UnknownSchemaError
from aegis_streams.names import PROPOSALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_streams.decide.identity import InputRecord
    from aegis_streams.records import Records
    from aegis_streams.runtime.parts import WorkerParts
    from aegis_streams.transport import PartitionBatch

STALL_SECONDS: Final = 1.0
AT_ONCE: Final = 4
"""Ids that the registry is asked for at the same time."""
LOOKING: Final = "schema_lookup"
UNREACHABLE: Final = "registry_unreachable"


class SchemaLookup:
    """Asks the registry for what the cache lacks; waits deliberately for as long as that takes.

    Every id is asked for once a batch. "Unknown" is the registry's own answer and is kept for the
    batch and its repetitions; without an answer the batch waits.

    Args:
        records: Holds the cache.
        parts: Metrics and log of this worker.
    """

    def __init__(self, records: Records, parts: WorkerParts) -> None:
        self._records = records
        self._parts = parts
        self._batch: tuple[int, dict[str, int]] | None = None

    def begin(self, batch: PartitionBatch) -> None:
        """Forget which ids are unknown, unless this is the batch before, tried again."""
        which = (batch.partition, dict(batch.next_offsets))
        if which != self._batch:
            self._records.schemas.forget_unknown()
            self._batch = which

    async def fetch(self, batch: PartitionBatch, records: Sequence[InputRecord]) -> None:
        """Bring the schemas of these inputs into the cache."""
        values = (record.value for record in records if record.topic == PROPOSALS)
        wanted, reason = self._records.schemas.missing(values), LOOKING
        while wanted:
            asked, rest = wanted[:AT_ONCE], wanted[AT_ONCE:]
            with batch.stalling(reason, STALL_SECONDS):
                without = await self._ask(asked)
                if without:
                    await asyncio.sleep(STALL_SECONDS)
            wanted, reason = without + rest, UNREACHABLE if without else LOOKING

    async def _ask(self, ids: list[int]) -> list[int]:
        """Ask for some ids at once; return those without an answer."""
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(
            *(loop.run_in_executor(None, self._fetch, number) for number in ids)
        )
        faults = [str(answer) for answer in answers if answer is not None]
        if faults:
            self._parts.metrics.errors.labels("registry").inc()
            self._parts.log.warning("registry unreachable, waiting", extra={"cause": faults[0]})
        return [number for number, fault in zip(ids, answers, strict=True) if fault is not None]

    def _fetch(self, schema_id: int) -> RegistryUnreachableError | None:
        try:
            self._records.fetch(schema_id)
        except UnknownSchemaError:
            self._records.schemas.put_unknown(schema_id)
        except RegistryUnreachableError as error:
            return error
        return None
