"""What the tables of the database hold beside the rows of the log that is judged.

What concerns no single log is looked at by the judge of partition 0: rows under names that the
trust file does not know, in every table, and the schemas by which the views read bodies. Retired
leaves are looked at log by log. The catalogue of PostgreSQL is asked, not a view of ours; the text
of views and functions is not judged.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from aegis_streams.fsck.database import (
    CHECKPOINTS,
    HEADS,
    QUARANTINES,
    RECORDS,
    RETIRED,
    SCHEMAS,
)
from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.schemas import resolved_bodies

if TYPE_CHECKING:
    from collections.abc import Collection

    from aegis_streams.fsck.database import Database
    from aegis_streams.fsck.findings import Findings

_OF_LOGS: Final = (RECORDS, RETIRED, HEADS, CHECKPOINTS)
_NUMBERED: Final = {RECORDS: "sequence", RETIRED: "sequence"}
"""Column that places a row within its log, by table; another table is asked by log alone."""


def check_tables(
    log: str, base: Database, known: Collection[str] | None, findings: Findings
) -> list[str]:
    """Report what stands in the tables and belongs to no log; return what else is worth knowing.

    Args:
        log: The log.
        base: The database.
        known: Logs of the trust file, to look after what concerns no single log too; else None.
        findings: Takes what is wrong.

    Raises:
        CannotCheckError: The database failed.
    """
    if known is not None:
        _check_strays(base, list(known), findings)
        _check_schemas(base, findings)
    return _check_retired(log, base, findings)


def _check_strays(base: Database, known: list[str], findings: Findings) -> None:
    for table in _OF_LOGS:
        for log in base.strangers(table, known):
            findings.add(
                Code.ORIGIN_UNKNOWN,
                f"it holds rows of a log {log[:200]!r}, which the trust file does not know; views "
                "show them like any other",
                table=table,
            )
        nameless = base.nameless(table, _NUMBERED.get(table))
        if nameless:
            findings.add(
                Code.ROW_INVENTED,
                f"{nameless} rows belong to no log, or to no place in it: that is null",
                table=table,
            )

    for table in QUARANTINES:
        for log in base.strangers(table, known):
            findings.add(
                Code.QUARANTINE,
                f"rows of a log {log[:200]!r}, which the trust file does not know",
                table=table,
            )


def _check_schemas(base: Database, findings: Findings) -> None:
    lacking = resolved_bodies().copy()
    for mark, name, described in base.schemas():
        wanted = resolved_bodies().get(mark)
        lacking.pop(mark, None)
        if wanted is None or (wanted[0], _text(wanted[1])) != (name, _text(described)):
            what = "is not that of its file" if wanted else "is of no schema file of this version"
            findings.add(
                Code.SCHEMA_SWAPPED,
                f"the schema of {name} under fingerprint {mark.hex()} {what}: the views show "
                "something else than was signed",
                table=SCHEMAS,
                fingerprint=mark.hex(),
            )
    for mark, (name, _) in lacking.items():
        findings.add(
            Code.SCHEMA_SWAPPED,
            f"the schema of {name} under fingerprint {mark.hex()} is missing: the views show "
            "nothing of such leaves; `aegis database prepare` writes it down",
            table=SCHEMAS,
            fingerprint=mark.hex(),
        )


def _text(described: object) -> str:
    """Return a type as text, for numbers that are equal may be written in other ways."""
    return json.dumps(described, sort_keys=True)


def _check_retired(log: str, base: Database, findings: Findings) -> list[str]:
    count, first, last, kept = base.retired(log)
    if not count:
        return []
    live, sequence = base.retired_in_live_partitions(log)
    if live:
        findings.add(
            Code.REMOVED_EARLY,
            f"{live} leaves are retired, and their partition is not: somebody removed their text "
            "by hand",
            table=RETIRED,
            sequence=sequence,
        )
    if not kept:
        findings.add(
            Code.REMOVED_EARLY,
            f"leaves up to {last} are retired, and no checkpoint that is kept covers the last",
            table=RETIRED,
            sequence=last,
        )
    told = (
        f"{count:,} leaves from {first:,} to {last:,} are retired: their text is gone, only their"
    )
    return [f"{told} hashes were compared"]
