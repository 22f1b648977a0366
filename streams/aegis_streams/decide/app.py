"""The decide app: an ordinary Faust agent over batches, with three tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.decide.decider import Decider
from aegis_streams.names import COMMANDS, DECIDE_GROUP, DECIDE_TABLES, PROPOSALS
from aegis_streams.runtime.parts import WorkerParts, transport_settings
from aegis_streams.transport import BatchSchema, PartitionBatch, create_app

if TYPE_CHECKING:

    import faust

    from aegis_streams.settings import Settings
    from aegis_streams.transport import TransactionalApp


def build(settings: Settings, parts: WorkerParts, slot: int) -> TransactionalApp:
    """Return the decider: proposals and commands in, committed leaves out."""
    decider = Decider(settings, parts)
    transport = transport_settings(settings, DECIDE_GROUP, slot, siblings=(COMMANDS,))
    parts.metrics.batch_limit.set(transport.batch_records)
    app = create_app(
        DECIDE_GROUP,
        transport,
        lifecycle=decider,
        observer=parts.observer,
    )
    decider.tables = {name: app.Table(name) for name in DECIDE_TABLES}

    @app.agent(app.topic(PROPOSALS, schema=BatchSchema()))
    async def decide(batches: faust.StreamT[PartitionBatch]) -> None:
        async for batch in batches:
            await decider.decide(batch)

    return app
