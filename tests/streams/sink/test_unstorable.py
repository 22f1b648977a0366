"""A record that no database can hold is passed and stored by hand (docs/audit-database.md)."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from aegis_codecs.log.chain import entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records import bodies
from aegis_codecs.records.audit import AuditEntry, columns_of
from aegis_streams.names import AUDIT
from aegis_streams.records import Records
from aegis_streams.sink.connectors import addresses_of, apply_connectors, load_connectors
from aegis_streams.sink.database import connected
from aegis_streams.stack.processes import wait_until
from support.audit_rows import insert, quarantined, stored
from support.sink import SinkStack, running_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
NAME = "aegis-audit"
ONE_BY_ONE = "consumer.override.max.poll.records"


@pytest.fixture
def sink() -> Iterator[SinkStack]:
    """A sink of its own: what lies on its topic spoils it for others."""
    with running_sink(partitions=1) as own:
        yield own


def following(entry: AuditEntry, agent: str) -> AuditEntry:
    """The next leaf of a log, with copies of whatever its body says."""
    fields = {
        "cause_topic": "aegis.proposals", "cause_partition": 0, "cause_offset": entry.sequence,
        "cause_timestamp": entry.time, "cause_sha256": bytes(32), "ordinal": 0,
        "leaf_time": entry.time, "reason": "undecodable", "detail": "", "agent_id": agent,
        "proposal_id": "", "value_length": 0,
    }  # fmt: skip
    body = bodies.encode("InputRejected", fields)
    leaf = leaf_hash(body)
    link = entry_hash(entry.entry_hash, leaf)
    columns = columns_of(body)._replace(agent_id=agent)
    return AuditEntry(entry.log, entry.sequence + 1, entry.entry_hash, leaf, link, body, *columns)


def ask(sink: SinkStack, method: str, path: str, body: object = None) -> Any:
    """Ask Connect, as `curl` would."""
    connection = http.client.HTTPConnection("127.0.0.1", sink.servers.place.ports.connect)
    headers = {"content-type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status < http.client.BAD_REQUEST, text
    return json.loads(text) if text else None


def committed(sink: SinkStack) -> int:
    """Where the connector goes on."""
    found = ask(sink, "GET", f"/connectors/{NAME}/offsets")["offsets"]
    return max((int(each["offset"]["kafka_offset"]) for each in found), default=-1)


def test_what_cannot_be_stored_is_passed_and_not_lost(sink: SinkStack) -> None:
    settings = sink.deployment.settings
    with sink.kept(), connected(sink.admin_url) as admin:
        sink.await_rows(1)
        (genesis,) = sink.deployment.leaves()
        made = [genesis]
        for agent in ("a", "b", "a\0b", "c"):
            made.append(following(made[-1], agent))
        encode = Records(settings.registry_url).audit
        producer = Producer({"bootstrap.servers": settings.bootstrap, "linger.ms": 500})
        for entry in made[1:]:
            producer.produce(AUDIT, encode(entry), b"x", partition=0)
        assert producer.flush(30) == 0
        bad = next(
            record.offset
            for record in sink.deployment.read(AUDIT)
            if record.value == encode(made[3])
        )
        assert wait_until(lambda: "0x00" in sink.rest.status(NAME).trace, 60)
        # Store what lies before it.
        ask(sink, "PATCH", f"/connectors/{NAME}/config", {ONE_BY_ONE: "1"})
        assert wait_until(lambda: committed(sink) == bad, 120), committed(sink)
        assert stored(admin) == [(genesis.log, n) for n in range(3)]
        # Pass it.
        ask(sink, "PUT", f"/connectors/{NAME}/stop")
        assert wait_until(lambda: not sink.rest.status(NAME).tasks, 60)
        place = {"kafka_topic": AUDIT, "kafka_partition": 0}
        further = {"offsets": [{"partition": place, "offset": {"kafka_offset": bad + 1}}]}
        ask(sink, "PATCH", f"/connectors/{NAME}/offsets", further)
        apply_connectors(sink.rest, load_connectors(addresses_of(settings)))
        ask(sink, "PUT", f"/connectors/{NAME}/resume")
        assert wait_until(lambda: quarantined(admin) == [(genesis.log, 4, "gap")], 60)
        # Store it by hand, as the sink would: without the copy.
        insert(admin, [made[3]._replace(**columns_of(made[3].body)._asdict())])
        assert admin.execute("select aegis.readmit(%s)", [genesis.log]).fetchone() == (1,)
        assert stored(admin) == [(genesis.log, n) for n in range(5)]
        assert wait_until(lambda: sink.rest.status(NAME).running, 60)
        assert (sink.rest.config(NAME) or {})[ONE_BY_ONE] == "2000"
