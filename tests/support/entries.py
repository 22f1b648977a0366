"""Entries of a small log, as the decider would commit them."""

from __future__ import annotations

from aegis_codecs.log.chain import ZERO_HASH, entry_hash
from aegis_codecs.log.merkle import leaf_hash
from aegis_codecs.records.audit import AuditEntry

LOG = "aegis/test/1/0"


def entries(count: int, *, log: str = LOG, text: str = "leaf", start: int = 0) -> list[AuditEntry]:
    """Return the entries `start` up to `count` of a log whose bodies say `text` and a number."""
    made: list[AuditEntry] = []
    previous = ZERO_HASH
    for sequence in range(count):
        body = f"{text} {sequence}".encode()
        leaf = leaf_hash(body)
        entry = entry_hash(previous, leaf)
        made.append(
            AuditEntry(
                log=log,
                sequence=sequence,
                previous_hash=previous,
                leaf_hash=leaf,
                entry_hash=entry,
                body=body,
                kind="DecisionMade" if sequence else "EpochOpened",
                time=1_000 * sequence,
                agent_id="agent",
                proposal_id=f"p-{sequence}",
                decision_id=f"d-{sequence}",
                status="proceed",
                actor=None,
            )
        )
        previous = entry
    return made[start:]
