"""What a hostile producer sends is refused, and what it said stops nothing on the way."""

from __future__ import annotations

import json
import os
import random
import subprocess
from typing import TYPE_CHECKING, Final

import pytest
from confluent_kafka import Producer

from aegis_codecs.records import bodies
from aegis_streams.names import PROPOSALS
from aegis_streams.stack.components.aegis import aegis
from aegis_streams.stack.processes import wait_until
from support.deciding import proposal

if TYPE_CHECKING:
    from support.sink import SinkStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

LONG: Final = random.Random(7).randbytes(15_000).hex()  # noqa: S311  # no secret
TEXTS: Final = ("a\0b", "\x1b[2J\0", LONG[:4_000], LONG)
JSON: Final[dict[str, str | bytes | None]] = {"content-type": b"application/json"}


def hostile(text: str) -> list[tuple[bytes, bytes]]:
    """Keys and values that say this where an id should stand."""
    return [
        (b"x", json.dumps({"agent_id": text}).encode()),
        (b"x", json.dumps({"proposal_id": text}).encode()),
        (b"x", json.dumps(proposal("p", agent_id=text)).encode()),
        (text.encode(), json.dumps(proposal("p", agent_id=text)).encode()),
        (b"agent-1", json.dumps(proposal(text)).encode()),
    ]


def test_ids_that_no_database_takes_are_rows_like_any_other(sink_stack: SinkStack) -> None:
    before = len(sink_stack.leaves())
    records = [record for text in TEXTS for record in hostile(text)]
    producer = Producer(
        {
            "bootstrap.servers": sink_stack.deployment.stack.bootstrap,
            "partitioner": "murmur2_random",
        }
    )
    for key, value in records:
        producer.produce(PROPOSALS, value, key, headers=JSON)
    assert producer.flush(30) == 0
    sink_stack.deployment.submit([proposal(f"after-{n}", agent_id=f"a-{n}") for n in range(16)])
    wanted = before + len(records) + 16
    assert wait_until(lambda: len(sink_stack.leaves()) >= wanted, 60)
    with sink_stack.kept():
        sink_stack.await_rows(wanted)
        assert sink_stack.rows() == sink_stack.leaves()
        assert sink_stack.refused() == []
        with sink_stack.auditor() as auditor:
            shown = auditor.execute("select agent_id, proposal_id from aegis.rejected_inputs")
            said = {text for row in shown.fetchall() for text in row if text}
            copied = auditor.execute(
                "select count(*) from aegis.audit_records where kind = 'InputRejected' "
                "and greatest(length(agent_id), length(proposal_id)) > 128"
            ).fetchone()
    assert said >= {text.replace("\0", "\u2400") for text in TEXTS}
    assert copied == (0,)
    rejected = [
        bodies.decode(entry.body).fields
        for entry in sink_stack.deployment.leaves()
        if entry.kind == "InputRejected"
    ]
    assert {fields["agent_id"] for fields in rejected} >= set(TEXTS)
    judged = subprocess.run(
        aegis("fsck", "--json"),
        env={**os.environ, **sink_stack.environment()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
