"""The topic of checkpoints: each signed by every key, each larger than the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aegis_streams.fsck.claims import RETAINED, TOPIC, Claim, Claims
from aegis_streams.fsck.errors import CannotCheckError, DistrustError
from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.notes import PROOF_HEADER, read_note, read_proof
from aegis_streams.fsck.schemas import HEADER, UnreadableError, decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aegis_streams.fsck.findings import Findings
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.schemas import Registry
    from aegis_streams.fsck.trust import Signatures


class Newest(NamedTuple):
    """The largest checkpoint that carries every signature: its size and its note."""

    size: int
    note: bytes


def take_topic(
    log: str,
    place: tuple[str, int],
    records: Iterable[Raw],
    *,
    tools: tuple[Signatures, Registry],
    claims: Claims,
    findings: Findings,
    begun: int = 0,
) -> tuple[int, Newest]:
    """Check the checkpoints of a log's partition and keep what they claim.

    Args:
        log: The log.
        place: Topic and partition.
        records: The checkpoints.
        tools: What checks signatures, and what knows the registry.
        claims: Takes what they claim.
        findings: Takes what is wrong.
        begun: Leaves that the checkpoints before these cover.

    Returns:
        How many there are, and the newest, without a note if there is none.
    """
    signatures, registry = tools
    topic, partition = place
    count, newest = 0, Newest(begun, b"")
    for offset, _, key, value in records:
        count += 1
        where = {"topic": topic, "partition": partition, "offset": offset}
        try:
            record = decode(
                registry.schema("Checkpoint", (value or b"")[:HEADER]), value or b"", HEADER
            )
        except UnreadableError as error:
            findings.add(Code.CHECKPOINT_MALFORMED, f"no checkpoint record: {error}", **where)
            continue
        try:
            head = signatures.check(record["note"])
        except DistrustError as error:
            findings.add(error.code, f"checkpoint of {record['size']} leaves: {error}", **where)
            continue
        if head.origin != log:
            findings.add(Code.LOG_FOREIGN, f"a checkpoint of the log {head.origin}", **where)
            continue
        if (record["log"], record["size"], key) != (head.origin, head.size, log.encode()):
            findings.add(
                Code.COPY_DIFFERS,
                f"log, size or key beside the checkpoint of {head.size} leaves differ from it",
                **where,
            )
        if head.size <= newest.size:
            findings.add(
                Code.CHECKPOINT_ORDER,
                f"a checkpoint of {head.size} leaves after one of {newest.size}",
                **where,
            )
        claims.add(Claim(head.size, head.root, TOPIC, str(offset), record["keep"]))
        newest = max(newest, Newest(head.size, record["note"]), key=lambda each: each.size)
    return count, newest


def note_in(data: bytes) -> bytes:
    """Return the note in a retained file: a checkpoint as it is, or the one in a receipt.

    Raises:
        CannotCheckError: It is neither.
    """
    try:
        note = read_proof(data).note if data.startswith(PROOF_HEADER) else data
        read_note(note)
    except DistrustError as error:
        raise CannotCheckError(str(error)) from error
    return note


def take_retained(
    log: str,
    notes: Iterable[tuple[str, bytes]],
    signatures: Signatures,
    claims: Claims,
    findings: Findings,
) -> int:
    """Check retained checkpoints of a log and keep what they claim; return how many there are.

    Args:
        log: The log; notes of others are passed over.
        notes: Name of each file, and its note.
        signatures: Checks them: an unsigned one accuses nobody.
        claims: Takes them.
        findings: Takes what is wrong.
    """
    count = 0
    for name, note in notes:
        if read_note(note).origin != log:
            continue
        count += 1
        try:
            head = signatures.check(note)
        except DistrustError as error:
            findings.add(error.code, f"retained checkpoint: {error}", file=name)
            continue
        claims.add(Claim(head.size, head.root, RETAINED, name))
    return count
