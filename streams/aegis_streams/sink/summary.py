"""What the audit database holds, in a few figures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.sink.database import connected

if TYPE_CHECKING:
    from collections.abc import Collection

NEWEST: Final = 5
"""Rows shown."""
_POLL_SECONDS: Final = 0.2


class Newest(NamedTuple):
    """One of the newest decisions.

    Attributes:
        time: Leaf time, ISO 8601.
        place: Log and sequence.
        agent_id: The governed agent.
        decision_id: The decision.
        status: What was decided.
        failing: Gates that failed.
    """

    time: str
    place: str
    agent_id: str
    decision_id: str
    status: str
    failing: str


class Summary(NamedTuple):
    """The database at one moment.

    Attributes:
        kinds: Leaves by kind.
        checkpoints: Checkpoints stored.
        quarantined: Records refused.
        newest: The newest decisions, newest first.
    """

    kinds: dict[str, int]
    checkpoints: int
    quarantined: int
    newest: list[Newest]


def summary(url: str) -> Summary:
    """Look at the database.

    Raises:
        DatabaseUnreachableError: It does not answer.
    """
    with connected(url) as connection:
        kinds = connection.execute(
            "select kind, count(*) from aegis.audit_records group by kind order by 2 desc, 1"
        ).fetchall()
        counts = connection.execute(
            "select (select count(*) from aegis.checkpoints), "
            "(select count(*) from aegis.quarantine)"
        ).fetchall()
        newest = connection.execute(_NEWEST, [NEWEST]).fetchall()
    return Summary(
        dict(kinds), int(counts[0][0]), int(counts[0][1]), [Newest(*row) for row in newest]
    )


def await_decisions(url: str, decision_ids: Collection[str], seconds: float) -> bool:
    """Wait until all these decisions are stored; return whether they are.

    Raises:
        DatabaseUnreachableError: The database does not answer.
    """
    wanted, deadline = sorted(set(decision_ids)), time.monotonic() + seconds
    with connected(url) as connection:
        while True:
            row = connection.execute(
                "select count(distinct decision_id) from aegis.audit_records "
                "where decision_id = any(%s) and kind = 'DecisionMade'",
                [wanted],
            ).fetchone()
            if row is not None and row[0] == len(wanted):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)


_NEWEST: Final = """
with newest as materialized (
  select log, sequence from aegis.audit_records where kind = 'DecisionMade'
  order by time desc, log, sequence desc limit %s
)
select to_char(d.time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), d.log || '#' || d.sequence,
       d.agent_id, d.decision_id, d.status,
       (select coalesce(string_agg(g.gate, ', '), '') from aegis.gates g
        where g.log = d.log and g.sequence = d.sequence and g.outcome = 'failed')
from newest n join aegis.decisions d using (log, sequence)
order by d.time desc, d.log, d.sequence desc
"""
