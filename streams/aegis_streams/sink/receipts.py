"""Rebuilding the receipt of a decision from the audit database.

1. find the row of the decision; its body says that it is the one, not the column
2. take the smallest checkpoint of its log that covers it
3. read the leaf hashes below that size, retired ones included, and compute the path of the leaf
4. render the receipt with the body inside, and verify it against the trust file

The database is not believed: what it gave either verifies against the trust file or is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aegis_codecs.log.merkle import inclusion_path
from aegis_codecs.log.receipt import render
from aegis_codecs.records import bodies
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.decisions import DECISION
from aegis_streams.client.errors import NotFoundError, NotSealedError
from aegis_streams.client.receipts import Rebuilt
from aegis_streams.errors import ContinuityError, SettingsError
from aegis_streams.settings import ENVIRONMENT
from aegis_streams.sink.database import connected

if TYPE_CHECKING:
    import psycopg

    from aegis_streams.settings import Settings


class _Row(NamedTuple):
    log: str
    sequence: int
    body: bytes


def rebuild_receipt(settings: Settings, decision_id: str) -> Rebuilt:
    """Rebuild the receipt of a decision from the database that the settings name.

    Raises:
        SettingsError: They name none.
        NotFoundError: No such decision is stored, or its body is retired.
        NotSealedError: No stored checkpoint covers it.
        ContinuityError: Leaves below the checkpoint are missing.
        NotTrustedError: Leaves and checkpoint do not fit, or the checkpoint does not verify.
        DatabaseUnreachableError: The database does not answer.
        TrustFileError: There is no usable trust file.
    """
    if not settings.database_url:
        raise SettingsError(
            f"{ENVIRONMENT['database_url']} is not set; `aegis up` sets it for a local stack"
        )
    verifier = Verifier(load_trust(settings.trust_file))
    with connected(settings.database_url) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        # Step 1
        row = _find(connection, decision_id)
        # Step 2
        size, note = _checkpoint(connection, row)
        # Step 3
        path = inclusion_path(_leaves(connection, row.log, size), row.sequence)
    # Step 4
    receipt = render(row.sequence, path, note, row.body)
    return Rebuilt(receipt, verifier.verify_receipt(receipt))


def _find(connection: psycopg.Connection, decision_id: str) -> _Row:
    rows = connection.execute(
        "select log, sequence, body from aegis.audit_records where decision_id = %s "
        "and kind = %s order by log, sequence",
        [decision_id, DECISION],
    )
    for log, sequence, body in rows:
        kind, fields = bodies.decode(body)
        if kind == DECISION and fields["decision_id"] == decision_id:
            return _Row(str(log), int(sequence), bytes(body))
    raise NotFoundError(f"{decision_id}: no such decision in the database, or it was retired")


def _checkpoint(connection: psycopg.Connection, row: _Row) -> tuple[int, bytes]:
    found = connection.execute(
        "select size, note from aegis.checkpoints where log = %s and size > %s "
        "order by size, arrived_at limit 1",
        [row.log, row.sequence],
    ).fetchone()
    if found is None:
        raise NotSealedError(
            f"{row.log}: no checkpoint in the database covers leaf {row.sequence} yet; does the "
            "sealer run, and the sink? `aegis status`"
        )
    return int(found[0]), bytes(found[1])


def _leaves(connection: psycopg.Connection, log: str, size: int) -> list[bytes]:
    with connection.cursor(name="leaves") as cursor:
        cursor.itersize = 10_000
        cursor.execute(
            "select leaf_hash from aegis.leaf_hashes where log = %s and sequence < %s "
            "order by sequence",
            [log, size],
        )
        leaves = [bytes(leaf) for (leaf,) in cursor]
    if len(leaves) != size:
        raise ContinuityError(
            f"{log}: {size} leaves were signed, the database holds {len(leaves)} of them; run "
            "`aegis fsck`"
        )
    return leaves
