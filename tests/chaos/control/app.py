"""The decide job on stock Faust: its own Kafka transport, its own tables, its own guarantees.

The work is the product's own (`Processor`): what is decoded, evaluated, chained and written is the
same. What differs is who moves offsets, state and output. As in any Faust application there is no
check that a restored state and the next offset belong together: a record that comes again is
processed again.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import faust

from aegis_codecs.records.envelopes import Origin, dead_letter
from aegis_codecs.records.errors import SchemaNotCachedError, UnknownSchemaError
from aegis_codecs.records.proposals import ProposalDecoder
from aegis_streams.decide.identity import InputRecord
from aegis_streams.decide.processor import Processor, Tables
from aegis_streams.names import AUDIT, DEAD_LETTERS, DECIDE_GROUP, DECIDE_TABLES, INPUT_TOPICS
from aegis_streams.records import Records
from chaos.control.tables import PREFIX, Slice, genesis_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aegis_codecs.records.audit import AuditEntry
    from aegis_streams.decide.processor import DeadLetter
    from aegis_streams.settings import Settings

Output = tuple[str, bytes | None, bytes]
"""Topic, key and value of a record to be sent."""


class Decide:
    """The work of one process, with what it knows of each partition.

    Args:
        settings: Where Kafka and the registry are.
        tables: The app's tables, by name.
    """

    def __init__(self, settings: Settings, tables: Mapping[str, Any]) -> None:
        self._tables = tables
        self._records = Records(settings.registry_url)
        self._decoder = ProposalDecoder(self._records.schemas)
        self._genesis = genesis_tables(settings, self._records)
        self._processors: dict[int, Processor] = {}
        self._made: list[Output] = []

    def forget(self) -> None:
        """Begin again from the tables, after a rebalance."""
        self._processors.clear()

    def process(self, record: InputRecord) -> list[Output]:
        """Process an input and return what it leads to."""
        processor = self._processors.get(record.partition) or self._begin(record.partition)
        processor.head.offsets[record.topic] = record.offset
        self._made = []
        while True:
            try:
                processor.process([record])
            except SchemaNotCachedError as missing:
                self._fetch(missing.schema_id)
            else:
                processor.flush()
                return self._made

    def _begin(self, partition: int) -> Processor:
        slices = (
            Slice(self._tables[name], partition, self._genesis[partition].get(name, {}))
            for name in DECIDE_TABLES
        )
        made = Processor(partition, Tables(*slices), self._decoder, self._leaves, self._letter)
        self._processors[partition] = made
        return made

    def _leaves(self, made: Sequence[tuple[bytes | None, AuditEntry]]) -> None:
        self._made += [(AUDIT, key, self._records.audit(entry)) for key, entry in made]

    def _letter(self, letter: DeadLetter) -> None:
        record = letter.record
        fields = dead_letter(
            letter.reason,
            letter.detail,
            Origin(record.topic, record.partition, record.offset, record.timestamp),
            record.key,
            record.value,
            dict(record.headers or ()),
            (letter.log, letter.sequence),
        )
        self._made.append((DEAD_LETTERS, record.key, self._records.dead_letter(fields)))

    def _fetch(self, schema_id: int) -> None:
        try:
            self._records.fetch(schema_id)
        except UnknownSchemaError:
            self._records.schemas.put_unknown(schema_id)


def build(settings: Settings, slot: int, guarantee: str) -> faust.App:
    """Return the app as any user of Faust would write it.

    Args:
        settings: Where Kafka and the registry are.
        slot: Number of the worker; it has a data directory of its own.
        guarantee: Faust's processing guarantee.
    """
    data = settings.home / "control" / str(slot)
    data.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        DECIDE_GROUP,
        broker=f"kafka://{settings.bootstrap}",
        processing_guarantee=guarantee,
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        datadir=str(data),
        topic_partitions=settings.partitions,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=2.0,
        web_enabled=False,
    )
    raw: faust.Schema[bytes, bytes] = faust.Schema(
        key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    kinds: dict[str, Any] = {"key_type": bytes, "value_type": bytes}
    tables = {name: app.Table(PREFIX + name, **kinds) for name in DECIDE_TABLES}
    topics = {name: app.topic(name, schema=raw) for name in (AUDIT, DEAD_LETTERS)}
    work = Decide(settings, tables)

    @app.agent(app.topic(*INPUT_TOPICS, schema=raw))
    async def decide(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            record = _input(event.message)
            for topic, key, value in work.process(record):
                await topics[topic].send(key=key, value=value, partition=record.partition)

    @app.on_partitions_assigned.connect
    async def taken(_: Any, /, *assigned: Any, **__: Any) -> None:
        work.forget()
        owned = {tp.partition for tp in assigned[0] if tp.topic in INPUT_TOPICS}
        _say({"message": "partitions owned", "partitions": sorted(owned)})

    if guarantee == "exactly_once":
        _subscribe(app, raw)
    return app


def _subscribe(app: faust.App, raw: faust.Schema[bytes, bytes]) -> None:
    """Read the output too: without that, its transactions fail (KeyError in `group_for_topic`)."""

    @app.agent(app.topic(AUDIT, DEAD_LETTERS, schema=raw))
    async def ignore(stream: faust.StreamT[bytes]) -> None:
        async for _ in stream:
            pass


def _input(message: Any) -> InputRecord:
    headers = message.headers
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or ())
    return InputRecord(
        message.topic,
        message.partition,
        message.offset,
        round(message.timestamp * 1000),
        message.key,
        message.value,
        pairs or None,
    )


def _say(fields: dict[str, Any]) -> None:
    sys.stdout.write(f"\n{json.dumps(fields)}\n")  # what Faust left on the line is no JSON
    sys.stdout.flush()
