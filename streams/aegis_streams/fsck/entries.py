"""Entries of the audit topic against what they must be.

The usual entry is compared as a whole with the bytes it must consist of: log, sequence, link,
hashes, body, copies. Only one that differs is taken apart, to say in what.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_streams.fsck import binary, bodies
from aegis_streams.fsck.findings import Code
from aegis_streams.fsck.schemas import HEADER, UnreadableError, decode

if TYPE_CHECKING:
    from aegis_streams.fsck.bodies import Facts, Foreseen, Plain
    from aegis_streams.fsck.findings import Findings
    from aegis_streams.fsck.inputs import Raw
    from aegis_streams.fsck.schemas import Registry

RECORD: Final = "AuditEntry"
_HASHES: Final = 96
_COPIES: Final = ("kind", "time", "agent_id", "proposal_id", "decision_id", "status", "actor")


class Leaf(NamedTuple):
    """A leaf as it was read.

    Attributes:
        sequence: Its position, as the entry states it.
        body: Its bytes.
        leaf_hash: SHA-256(00 ‖ body), computed.
        facts: What the body says; None if it cannot be read, or is plain.
        fields: All fields of a body that was read in full.
        plain: It is the decision about the next proposal, which it describes rightly.
        place: In order: it stands where it should. Otherwise how many leaves are missing before
            it (above 0), or -1 for one that belongs before.
    """

    sequence: int
    body: bytes
    leaf_hash: bytes
    facts: Facts | None
    fields: Any
    plain: Plain | None
    place: int


class Entries:
    """Reads the entries of one log, in order.

    Args:
        log: The log.
        place: Topic and partition.
        registry: Gives the schema of each.
        foreseen: Foretells decisions.
        findings: Takes what is wrong.

    Attributes:
        sequence: Position of the next leaf.
        previous: Entry hash of the leaf before it.
        time: Leaf time of the leaf before it.
    """

    def __init__(
        self,
        log: str,
        place: tuple[str, int],
        registry: Registry,
        foreseen: Foreseen,
        findings: Findings,
    ) -> None:
        self._log, self._place = log, place
        self._registry = registry
        self._foreseen = foreseen
        self._findings = findings
        self._start = binary.string(log)
        self.sequence = 0
        self.previous = bytes(32)
        self.time = 0

    def read(self, record: Raw, proposal: Raw | None) -> Leaf | None:
        """Return the leaf in a record; None (and a finding) if there is none of this log.

        Args:
            record: The record of the audit topic.
            proposal: The next input, about which it probably is.
        """
        value = record[3] or b""
        start = self._start + binary.long(self.sequence)
        if value.startswith(start, HEADER) and self._registry.is_present(RECORD, value[:HEADER]):
            try:
                leaf = self._quickly(value, HEADER + len(start) + _HASHES, start, proposal)
            except IndexError:
                leaf = None
            if leaf is not None:
                return leaf
        return self._slowly(record)

    def _quickly(self, value: bytes, at: int, start: bytes, proposal: Raw | None) -> Leaf | None:
        """Return the leaf of an entry that is right in every byte, else None."""
        length, begin = binary.read_long(value, at)
        body = value[begin : begin + length]
        plain = None if proposal is None else self._foreseen.read(body, proposal, self.time)
        facts, fields = None, None
        if plain is not None:
            columns = plain.columns
        else:
            try:
                facts, fields = bodies.read(body)
            except UnreadableError:
                return None
            columns = bodies.columns_as_avro(facts)
        leaf_hash = sha256(b"\0" + body).digest()
        entry = sha256(self.previous + leaf_hash).digest()
        wanted = (value[:HEADER], start, self.previous, leaf_hash, entry, value[at:begin], body)
        if value != b"".join(wanted) + columns:
            return None
        leaf = Leaf(self.sequence, body, leaf_hash, facts, fields, plain, 0)
        self.previous = entry
        self.sequence += 1
        return leaf

    def _slowly(self, record: Raw) -> Leaf | None:
        """Take an entry apart and report in what it differs; go on from what it states."""
        offset, _, _, value = record
        value = value or b""
        try:
            entry = decode(self._registry.schema(RECORD, value[:HEADER]), value, HEADER)
        except UnreadableError as error:
            self._add(Code.LEAF_UNREADABLE, f"the record is no audit entry: {error}", offset)
            return None
        if entry["log"] != self._log:
            self._add(Code.LOG_FOREIGN, f"it is of the log {entry['log']}", offset)
            return None
        place = entry["sequence"] - self.sequence
        self._check_place(entry["sequence"], offset)
        body = entry["body"]
        leaf_hash = self._check_hashes(entry, offset)
        facts, fields = None, None
        try:
            facts, fields = bodies.read(body)
        except UnreadableError as error:
            self._add(Code.LEAF_UNREADABLE, f"its body: {error}", offset)
        else:
            self._check_copies(entry, facts, offset)
        if place >= 0:
            self.sequence = entry["sequence"] + 1
            self.previous = entry["entry_hash"]
        return Leaf(entry["sequence"], body, leaf_hash, facts, fields, None, max(place, -1))

    def _check_place(self, sequence: int, offset: int) -> None:
        if sequence > self.sequence:
            self._add(
                Code.SEQUENCE_GAP,
                f"after leaf {self.sequence - 1} comes leaf {sequence}; "
                f"{sequence - self.sequence} are missing",
                offset,
            )
        elif sequence < self.sequence:
            self._add(
                Code.SEQUENCE_REPEATED,
                f"where leaf {self.sequence} should stand is one numbered {sequence}",
                offset,
                sequence,
            )

    def _check_hashes(self, entry: dict[str, Any], offset: int) -> bytes:
        leaf_hash = sha256(b"\0" + entry["body"]).digest()
        sequence = entry["sequence"]
        if entry["leaf_hash"] != leaf_hash:
            self._add(
                Code.LEAF_HASH,
                f"leaf {sequence} has the hash {leaf_hash.hex()}, its entry says "
                f"{entry['leaf_hash'].hex()}",
                offset,
                sequence,
            )
        linked = sequence != self.sequence or entry["previous_hash"] == self.previous
        wanted = sha256(entry["previous_hash"] + entry["leaf_hash"]).digest()
        if not linked or entry["entry_hash"] != wanted:
            self._add(
                Code.CHAIN_BROKEN,
                (
                    f"leaf {sequence} is linked to {entry['previous_hash'].hex()}, the one before "
                    f"ends with {self.previous.hex()}"
                    if not linked
                    else f"the entry hash of leaf {sequence} is not that of its link and leaf hash"
                ),
                offset,
                sequence,
            )
        return leaf_hash

    def _check_copies(self, entry: dict[str, Any], facts: Facts, offset: int) -> None:
        found = tuple(entry[name] for name in _COPIES)
        for name, copy, said in zip(_COPIES, found, facts.columns(), strict=True):
            if copy != said:
                self._add(
                    Code.COPY_DIFFERS,
                    f"leaf {entry['sequence']}: the copy of {name} is {copy!r}, the body says "
                    f"{said!r}",
                    offset,
                    entry["sequence"],
                )

    def _add(self, code: Code, detail: str, offset: int, sequence: int | None = None) -> None:
        topic, partition = self._place
        self._findings.add(
            code,
            detail,
            topic=topic,
            partition=partition,
            offset=offset,
            sequence=self.sequence if sequence is None else sequence,
        )
