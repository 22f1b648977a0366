"""Exactly-once Faust: a transport driver on confluent-kafka.

Input offsets, table changelogs and outputs of a batch are one Kafka transaction. Agents get one
`PartitionBatch` per message::

    app = create_app("orders", TransportSettings(bootstrap="kafka:9092", group="orders"))
    totals = app.Table("totals")

    @app.agent(app.topic("orders.in", schema=BatchSchema()))
    async def count(batches):
        async for batch in batches:
            state = totals.partition(batch.partition)
            for record in batch.records:
                state.put(record.key(), record.value())
                batch.emit("orders.out", value=record.value(), key=record.key())

    sys.exit(run_worker(app))

An ack is the request for the next batch: an agent that raises, returns or breaks out of its loop
stops the process, and nothing of its batch is committed. docs/adr/0002-exactly-once-driver.md
has every step and what happens when the process dies there.
"""

from __future__ import annotations

from aegis_streams.transport.app import TransactionalApp, create_app, run_worker
from aegis_streams.transport.batch import PartitionBatch
from aegis_streams.transport.errors import (
    AgentFaultError,
    BrokerError,
    FaultError,
    FencedError,
    NotOwnedError,
    OffsetMissingError,
    OutsideBatchError,
    RestoreError,
    RetriesExhaustedError,
    StuckError,
    TransportConfigError,
    TransportError,
    UnknownOutcomeError,
)
from aegis_streams.transport.failstop import EXIT_FAULT
from aegis_streams.transport.faults import FaultPlan
from aegis_streams.transport.faust_client import Transport
from aegis_streams.transport.faust_table import TxTable, TxTableManager
from aegis_streams.transport.hooks import Lifecycle, NoLifecycle, Observer
from aegis_streams.transport.schema import BatchSchema
from aegis_streams.transport.settings import TransportSettings
from aegis_streams.transport.state import PartitionState

__all__ = [
    "EXIT_FAULT",
    "AgentFaultError",
    "BatchSchema",
    "BrokerError",
    "FaultError",
    "FaultPlan",
    "FencedError",
    "Lifecycle",
    "NoLifecycle",
    "NotOwnedError",
    "Observer",
    "OffsetMissingError",
    "OutsideBatchError",
    "PartitionBatch",
    "PartitionState",
    "RestoreError",
    "RetriesExhaustedError",
    "StuckError",
    "TransactionalApp",
    "Transport",
    "TransportConfigError",
    "TransportError",
    "TransportSettings",
    "TxTable",
    "TxTableManager",
    "UnknownOutcomeError",
    "create_app",
    "run_worker",
]
