"""Rebuilding the receipt of a decision from the audit database.

1. find the row of the decision; its body says that it is the one, not the column
2. take the smallest checkpoint of its log that covers it and verifies against the trust file
3. read the leaf hashes below that size, retired ones included, and compute the path of the leaf
4. render the receipt with the body inside, and verify it against the trust file

The database is not believed: what it gave either verifies against the trust file or is refused. Its
guard knows no signatures, so a checkpoint that somebody else wrote is passed over in step 2.

Memory: a portion of the leaf hashes, however long the log is.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.errors import NotTrustedError
from aegis_codecs.log.merkle import inclusion_path
from aegis_codecs.log.receipt import render
from aegis_codecs.records import bodies
from aegis_codecs.trust_file import load_trust
from aegis_codecs.verifier import Verifier
from aegis_streams.client.decisions import DECISION
from aegis_streams.client.errors import BrokenLogError, NotFoundError, NotSealedError
from aegis_streams.client.receipts import Rebuilt
from aegis_streams.errors import SettingsError
from aegis_streams.settings import ENVIRONMENT
from aegis_streams.sink.database import connected

if TYPE_CHECKING:
    from collections.abc import Generator

    import psycopg

    from aegis_streams.settings import Settings

_NOTES: Final = 100
_HASHES: Final = 10_000
"""Rows that a cursor fetches at a time."""


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
        BrokenLogError: Leaves below the checkpoint are missing.
        NotTrustedError: Leaves and checkpoint do not fit, or no checkpoint that covers it verifies.
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
        size, note = _checkpoint(connection, row, verifier)
        # Step 3
        with closing(_leaves(connection, row.log, size)) as leaves:
            path = inclusion_path(leaves, row.sequence, size)
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


def _checkpoint(connection: psycopg.Connection, row: _Row, verifier: Verifier) -> tuple[int, bytes]:
    refused: NotTrustedError | None = None
    with connection.cursor(name="checkpoints") as cursor:
        cursor.itersize = _NOTES
        cursor.execute(
            "select note from aegis.checkpoints where log = %s and size > %s "
            "order by size, arrived_at",
            [row.log, row.sequence],
        )
        for (note,) in cursor:
            try:
                found = verifier.verify_checkpoint(bytes(note))
            except NotTrustedError as error:
                refused = refused or error
                continue
            if found.origin == row.log and found.size > row.sequence:
                return found.size, bytes(note)
    if refused is not None:
        raise refused
    raise NotSealedError(
        f"{row.log}: no checkpoint in the database covers leaf {row.sequence} yet; does the "
        "sealer run, and the sink? `aegis status`"
    )


def _leaves(connection: psycopg.Connection, log: str, size: int) -> Generator[bytes]:
    count = 0
    with connection.cursor(name="leaves") as cursor:
        cursor.itersize = _HASHES
        cursor.execute(
            "select sequence, leaf_hash from aegis.leaf_hashes where log = %s and sequence < %s "
            "order by sequence",
            [log, size],
        )
        for sequence, leaf in cursor:
            if sequence != count:
                break
            count += 1
            yield bytes(leaf)
    if count != size:
        raise BrokenLogError(
            f"{log}: {size} leaves were signed, the database lacks leaf {count}, or has one before "
            "it twice; run `aegis fsck`"
        )
