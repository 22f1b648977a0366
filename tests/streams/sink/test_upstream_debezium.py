"""What the Debezium JDBC sink 3.6 does wrong, as far as the sink stays away from it.

When this fails, upstream has changed: read docs/adr/0010-audit-sink.md and see what may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_streams.names import CHECKPOINTS
from aegis_streams.sink.connectors import addresses_of, load_connectors
from aegis_streams.sink.database import connected
from aegis_streams.stack.processes import wait_until

if TYPE_CHECKING:
    from support.sink import SinkStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

NAME = "upstream-unnest"


def test_rows_by_unnest_hold_the_name_of_an_object_in_place_of_bytes(sink_stack: SinkStack) -> None:
    # Away: the mode is off; `reWriteBatchedInserts` makes many rows one statement too.
    config = load_connectors(addresses_of(sink_stack.deployment.settings))["aegis-checkpoints"]
    config |= {
        "name": NAME,
        "topics": CHECKPOINTS,
        "collection.name.format": "public.unnested",
        "dialect.postgres.unnest.insert.enabled": "true",
    }
    with connected(sink_stack.admin_url) as admin:
        admin.execute(
            "create table public.unnested (log text, size bigint, note bytea, keep boolean)"
        )
        admin.execute("grant select, insert on public.unnested to aegis_sink")
        try:
            sink_stack.rest.put(NAME, config)
            found: list[tuple[bytes]] = []

            def stored() -> bool:
                found[:] = admin.execute("select note from public.unnested").fetchall()
                return bool(found)

            assert wait_until(stored, 90), sink_stack.rest.status(NAME)
            assert all(note.startswith(b"java.nio.HeapByteBuffer[") for (note,) in found)
        finally:
            sink_stack.rest._ask("DELETE", f"/connectors/{NAME}")
            admin.execute("drop table public.unnested")
