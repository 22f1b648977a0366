"""The seal app: an ordinary Faust agent over batches of committed leaves, with one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.names import AUDIT, SEAL_GROUP, SEAL_TABLES
from aegis_streams.runtime.parts import WorkerParts, transport_settings
from aegis_streams.seal.worker import SealWorker
from aegis_streams.transport import BatchSchema, PartitionBatch, create_app

if TYPE_CHECKING:

    import faust

    from aegis_streams.settings import Settings
    from aegis_streams.transport import TransactionalApp


def build(settings: Settings, parts: WorkerParts, slot: int) -> TransactionalApp:
    """Return the sealer: committed leaves in, signed decisions and checkpoints out."""
    sealing = SealWorker(settings, parts)
    transport = transport_settings(settings, SEAL_GROUP, slot)
    parts.metrics.batch_limit.set(transport.batch_records)
    app = create_app(
        SEAL_GROUP,
        transport,
        lifecycle=sealing,
        observer=parts.observer,
    )
    sealing.tables = {name: app.Table(name) for name in SEAL_TABLES}

    @app.agent(app.topic(AUDIT, schema=BatchSchema()))
    async def seal(batches: faust.StreamT[PartitionBatch]) -> None:
        async for batch in batches:
            sealing.seal(batch)

    return app
