"""Kafka to PostgreSQL through a real Connect worker, with the keeper beside it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from aegis_streams.names import AUDIT, CHECKPOINTS
from aegis_streams.sink.connectors import (
    addresses_of,
    apply_connectors,
    load_connectors,
    replay_connectors,
)
from aegis_streams.sink.database import connected
from aegis_streams.sink.errors import ConnectorError, ConnectUnreachableError
from aegis_streams.sink.keeper import MEASURE_SECONDS, PARTITIONS_WAIT
from aegis_streams.sink.rest import ConnectRest
from aegis_streams.stack.components.aegis import aegis
from aegis_streams.stack.processes import wait_until
from outage.drill import SERVERS, outage
from support.deciding import proposal

if TYPE_CHECKING:
    import psycopg

    from support.sink import SinkStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


EMPTY = (
    "alter table aegis.{} disable trigger user",
    "delete from aegis.{}",
    "alter table aegis.{} enable trigger user",
)


def sample(sink: SinkStack, name: str, **labels: str) -> float | None:
    return sink.metrics.registry.get_sample_value(name, labels)


def lag(sink: SinkStack, topic: str) -> float:
    """Leaves that the keeper says one topic is ahead of the database."""
    logs = {log for log, _ in sink.leaves()}
    values = [sample(sink, "aegis_sink_lag_leaves", topic=topic, log=log) for log in logs]
    return sum(value or 0 for value in values)


def ahead(connection: psycopg.Connection) -> int:
    """How many empty partitions stand ready."""
    rows = connection.execute("select lower from aegis.audit_partitions where lower > 0")
    return len(rows.fetchall())


def submit(sink: SinkStack, name: str, count: int) -> int:
    """Submit proposals and return how many leaves there are then."""
    before = len(sink.leaves())
    proposals = [proposal(f"{name}-{n}", agent_id=f"agent-{n % 7}") for n in range(count)]
    sink.deployment.submit(proposals)
    assert wait_until(lambda: len(sink.leaves()) >= before + count, 60)
    return before + count


def unresolved(sink: SinkStack) -> float:
    """Leaves in quarantine that are not stored, as the alert counts them."""
    labels = {"table": "audit_records", "reason": "gap"}
    return sample(sink, "aegis_sink_quarantine_unresolved", **labels) or 0


def test_every_leaf_arrives_byte_for_byte(sink_stack: SinkStack) -> None:
    with sink_stack.kept():
        sink_stack.await_rows(submit(sink_stack, "bytes", 40))
        assert sink_stack.rows() == sink_stack.leaves()
        assert sink_stack.refused() == []
        with sink_stack.auditor() as auditor:
            rows = auditor.execute(
                "select log, sequence, kind, extract(epoch from time) * 1000, agent_id, "
                "proposal_id, decision_id, status, actor from aegis.audit_records"
            ).fetchall()
            assert wait_until(
                lambda: auditor.execute("select 1 from aegis.checkpoints").fetchone() is not None,
                60,
            )
    copies = {
        (e.log, e.sequence, e.kind, e.time, e.agent_id, e.proposal_id, e.decision_id, e.status,
         e.actor)
        for e in sink_stack.deployment.leaves()
    }  # fmt: skip
    assert set(rows) == copies


def test_what_is_right_already_is_left_alone(sink_stack: SinkStack) -> None:
    wanted = load_connectors(addresses_of(sink_stack.deployment.settings))
    apply_connectors(sink_stack.rest, wanted)
    assert apply_connectors(sink_stack.rest, wanted) == ([], ["aegis-audit", "aegis-checkpoints"])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("batch.size", "many", r"aegis-audit\.batch\.size: .*many"),
        ("batch.sise", "100", r"aegis-audit\.batch\.sise: Connect knows no such field"),
    ],
)
def test_a_wrong_field_is_refused_and_nothing_changes(
    field: str, value: str, message: str, sink_stack: SinkStack
) -> None:
    wanted = load_connectors(addresses_of(sink_stack.deployment.settings))
    apply_connectors(sink_stack.rest, wanted)
    before = sink_stack.rest.config("aegis-audit")
    wanted["aegis-audit"][field] = value
    with pytest.raises(ConnectorError, match=message):
        apply_connectors(sink_stack.rest, wanted)
    assert sink_stack.rest.config("aegis-audit") == before


def test_a_task_that_failed_is_started_again(sink_stack: SinkStack) -> None:
    with sink_stack.kept(), connected(sink_stack.admin_url) as admin:
        before = sample(sink_stack, "aegis_sink_restarts_total", connector="aegis-audit") or 0
        admin.execute("revoke insert on aegis.audit_records from aegis_sink")
        count = submit(sink_stack, "refused", 20)

        def restarts() -> float:
            found = sample(sink_stack, "aegis_sink_restarts_total", connector="aegis-audit")
            return found or 0

        assert wait_until(lambda: restarts() > before, 90)
        admin.execute("grant insert on aegis.audit_records to aegis_sink")
        sink_stack.await_rows(count)
        assert wait_until(lambda: sink_stack.health.ready, 60)
    assert sink_stack.rows() == sink_stack.leaves()


def test_the_keeper_measures_how_far_it_is(sink_stack: SinkStack) -> None:
    with sink_stack.kept():
        sink_stack.await_rows(submit(sink_stack, "measured", 10))
        sizes = {log: sequence + 1 for log, sequence in sorted(sink_stack.leaves())}

        def level() -> bool:
            return all(
                sample(sink_stack, "aegis_sink_rows", log=log) == size
                and sample(sink_stack, "aegis_sink_lag_leaves", log=log, topic=topic) == 0
                for log, size in sizes.items()
                for topic in (AUDIT, CHECKPOINTS)
            )

        assert wait_until(level, 60)
    assert sample(sink_stack, "aegis_sink_connector_running", connector="aegis-audit") == 1
    assert sample(sink_stack, "aegis_sink_tasks", connector="aegis-audit", state="RUNNING") == 2
    assert sample(sink_stack, "aegis_sink_partitions_ahead") == 2
    for server in ("connect", "database", "kafka"):
        assert sample(sink_stack, "aegis_sink_up", server=server) == 1


def test_a_connector_of_checkpoints_that_stands_still_shows_in_its_lag(
    sink_stack: SinkStack,
) -> None:
    with sink_stack.kept():
        sink_stack.await_rows(submit(sink_stack, "still", 10))
        sink_stack.rest.stop("aegis-checkpoints")
        try:
            assert wait_until(lambda: not sink_stack.rest.status("aegis-checkpoints").tasks, 60)
            sink_stack.await_rows(submit(sink_stack, "moved", 30))
            assert wait_until(lambda: lag(sink_stack, CHECKPOINTS) > 0, 60)
            assert wait_until(lambda: lag(sink_stack, AUDIT) == 0, 60)
        finally:
            sink_stack.rest.resume("aegis-checkpoints")
        assert wait_until(lambda: lag(sink_stack, CHECKPOINTS) == 0, 60)


def test_who_reads_for_long_stops_no_measure_and_raises_no_alarm(sink_stack: SinkStack) -> None:
    now = 0.0
    keeper = sink_stack.keeper(lambda: now)
    up = {"server": "database"}
    keeper.round()
    with connected(sink_stack.admin_url) as admin, sink_stack.auditor() as reader:
        last = admin.execute("select partition from aegis.audit_partitions order by lower desc")
        admin.execute(f"drop table {last.fetchall()[0][0]}")  # one is due
        with reader.transaction():
            reader.execute("select count(*) from aegis.audit_records")
            stand = len(sink_stack.rows())
            with sink_stack.kept():  # another keeper meets the lock as well
                sink_stack.await_rows(submit(sink_stack, "beside", 10))
            now += MEASURE_SECONDS
            keeper.round()
            logs = {log for log, _ in sink_stack.rows()}
            sizes = [sample(sink_stack, "aegis_sink_rows", log=log) or 0 for log in logs]
            assert sum(sizes) == len(sink_stack.rows()) > stand
            assert sample(sink_stack, "aegis_sink_up", **up) == 1
            assert sample(sink_stack, "aegis_sink_partitions_ahead") == 1
        now += MEASURE_SECONDS
        keeper.round()  # too early to try again
        assert ahead(admin) == 1
        now += PARTITIONS_WAIT
        keeper.round()
        assert ahead(admin) == 2


def test_the_command_shows_the_connectors(sink_stack: SinkStack) -> None:
    with sink_stack.kept():
        done = subprocess.run(
            aegis("sink", "status"),
            env=sink_stack.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "aegis-audit  RUNNING  tasks 0 RUNNING, 1 RUNNING" in done.stdout


def test_a_database_restored_from_a_backup_is_filled_again(sink_stack: SinkStack) -> None:
    with sink_stack.kept(), connected(sink_stack.admin_url) as admin:
        sink_stack.await_rows(submit(sink_stack, "before", 20))
        for table in ("audit_records", "audit_heads"):  # as a backup of the first moment has them
            for statement in EMPTY:
                admin.execute(statement.format(table))
        submit(sink_stack, "after", 5)
        assert wait_until(lambda: unresolved(sink_stack) > 0, 60), "the next leaf is a gap"
        replay_connectors(sink_stack.rest, ["aegis-audit", "aegis-checkpoints"])
        sink_stack.await_rows(len(sink_stack.leaves()))
        assert sink_stack.rows() == sink_stack.leaves()
        assert wait_until(lambda: unresolved(sink_stack) == 0, 60), "the alert ends"
        labels = {"table": "audit_records", "reason": "gap"}
        assert (sample(sink_stack, "aegis_sink_quarantine_rows", **labels) or 0) > 0


def test_a_worker_that_is_not_there_is_named() -> None:
    with pytest.raises(ConnectUnreachableError, match="AEGIS_CONNECT_URL"):
        ConnectRest("http://127.0.0.1:1").status("aegis-audit")


@pytest.mark.parametrize("server", SERVERS)
def test_an_outage_leaves_nothing_out_and_nothing_twice(server: str, sink_stack: SinkStack) -> None:
    with sink_stack.kept():
        done = outage(sink_stack, server, 3, 60)
    assert done.clean, done
