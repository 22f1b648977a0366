"""A worker process for crash tests: counts records per key and says so, exactly once.

Usage: transport_counter.py BOOTSTRAP GROUP SLOT FAULTS OPTIONS, where OPTIONS is a JSON object
of further `TransportSettings`, and "stall" (seconds) lets the first batch of the process wait.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, cast

from aegis_streams.transport import (
    BatchSchema,
    FaultPlan,
    PartitionBatch,
    PartitionState,
    TransactionalApp,
    TransportSettings,
    TxTable,
    create_app,
    run_worker,
)

if TYPE_CHECKING:
    from faust.types import StreamT


def input_topics(group: str) -> tuple[str, str]:
    """Return the subscribed topic and its sibling."""
    return f"{group}.in", f"{group}.sibling"


def output_topic(group: str) -> str:
    """Return where the counts go."""
    return f"{group}.out"


def changelog_topic(group: str) -> str:
    """Return the changelog of the counts."""
    return f"{group}-counts-changelog"


def count(batch: PartitionBatch, state: PartitionState, output: str) -> None:
    """Count the records of a batch."""
    for record in batch.records:
        key, value = record.key() or b"", record.value() or b""
        number = int(state.get(key) or b"0") + 1
        state.put(key, b"%d" % number)
        batch.emit(output, value=value + b" %d" % number, key=key)


def build(bootstrap: str, group: str, slot: str, faults: str, options: str) -> TransactionalApp:
    """Return the app."""
    changes = json.loads(options)
    stall = changes.pop("stall", 0.0)
    main, sibling = input_topics(group)
    settings = TransportSettings(
        bootstrap=bootstrap,
        group=group,
        siblings=(sibling,),
        slot=int(slot),
        faults=FaultPlan.parse(faults),
        **changes,
    )
    app = create_app(group, settings)
    table = cast("TxTable", app.Table("counts"))
    waits = [stall] if stall else []

    @app.agent(app.topic(main, schema=BatchSchema()))
    async def counting(batches: StreamT[PartitionBatch]) -> None:
        async for batch in batches:
            if waits:
                await batch.stall("test", waits.pop())
            count(batch, table.partition(batch.partition), output_topic(group))

    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(threadName)s %(message)s")
    bootstrap, group, slot, faults, options = sys.argv[1:]
    sys.exit(run_worker(build(bootstrap, group, slot, faults, options)))
