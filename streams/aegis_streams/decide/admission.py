"""The order of checks every input passes; the first failure decides the leaf (rules 1).

size, key, content type, schema id, decoding, key equals agent, partition, fields in schema order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.records.errors import ProposalDecodeError
from aegis_codecs.records.proposals import MAX_PROPOSAL
from aegis_codecs.records.validation import gate_inputs, is_identifier, validate_beside
from aegis_streams.decide.identity import UNREADABLE
from aegis_streams.kafka.partitions import murmur2_partition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_codecs.records.proposals import Proposal, ProposalDecoder
    from aegis_governance.gates import GateInputs
    from aegis_streams.decide.identity import InputRecord

CONTENT_TYPE: Final = "content-type"
SHOWN_CHARACTERS: Final = 160
_KEYS_REMEMBERED: Final = 100_000


class Refusal(NamedTuple):
    """Why an input is refused.

    Attributes:
        reason: Stable code.
        detail: What is wrong and what to do, naming the field.
        agent_id: The agent named inside, empty if none could be read.
        proposal_id: The id named inside, empty if none could be read.
        decidable: Whether a HALT decision can be made: the id was read and the agent is certain.
    """

    reason: str
    detail: str
    agent_id: str = ""
    proposal_id: str = ""
    decidable: bool = False


class Admitted(NamedTuple):
    """A faultless proposal.

    Attributes:
        proposal: All its fields.
        inputs: What the gates read of it.
        content: Its content hash, 32 bytes (rules 3).
    """

    proposal: Proposal
    inputs: GateInputs
    content: bytes


class Admission:
    """Checks inputs of one partition.

    Each step runs over all records before the next one does: the code of one step stays in the
    processor's caches, which makes a decision a quarter cheaper.

    Args:
        decoder: Decodes proposals; raises `SchemaNotCachedError` for a schema id it must be given.
        partition: Number of this partition.
        partitions: Number of partitions of the deployment.
    """

    def __init__(self, decoder: ProposalDecoder, partition: int, partitions: int) -> None:
        self._decoder = decoder
        self._partition = partition
        self._partitions = partitions
        self._routed: dict[bytes, bool] = {}

    def check(self, records: Sequence[InputRecord]) -> list[Admitted | Refusal]:
        """Return of each record the decoded proposal, or why it is refused; changes nothing.

        Raises:
            SchemaNotCachedError: A writer's schema has to be fetched first.
        """
        decoded = [self._decode(record) for record in records]
        checked = [
            found if isinstance(found, Refusal) else self._validate(record, found)
            for record, found in zip(records, decoded, strict=True)
        ]
        return [
            found if isinstance(found, Refusal) else self._admit(record, *found)
            for record, found in zip(records, checked, strict=True)
        ]

    def _decode(self, record: InputRecord) -> Proposal | Refusal:
        value, key = record.value, record.key
        if value is not None and len(value) > MAX_PROPOSAL:
            return Refusal(
                "record_too_large",
                f"value: {len(value)} bytes, at most {MAX_PROPOSAL} are accepted; shorten it",
            )
        if not key:
            return Refusal("key_missing", "key: empty; produce with the agent_id as record key")
        if record.headers is UNREADABLE:
            return Refusal(
                "content_type_unsupported",
                "headers: a name is not UTF-8, so no content-type can be read; send names in UTF-8",
            )
        try:
            return self._decoder.decode(value, content_type(record.headers))
        except ProposalDecodeError as error:
            return self._undecoded(key, error)

    def _validate(
        self, record: InputRecord, proposal: Proposal
    ) -> tuple[Proposal, GateInputs] | Refusal:
        agent_id, proposal_id = proposal["agent_id"], proposal["proposal_id"]
        misrouted = self._misrouted(record.key or b"", agent_id)
        if misrouted is not None:
            return misrouted._replace(agent_id=agent_id, proposal_id=proposal_id)
        inputs = gate_inputs(proposal)
        fault = validate_beside(proposal, inputs)
        if fault is None:
            return proposal, inputs
        detail = f"{fault.field}: {shown(fault.value)} is not accepted; use {fault.allowed}"
        return self._decidable(Refusal("field_invalid", detail, agent_id, proposal_id))

    def _admit(self, record: InputRecord, proposal: Proposal, inputs: GateInputs) -> Admitted:
        content = self._decoder.content_sha256(proposal, record.value or b"")
        return Admitted(proposal, inputs, content)

    def _undecoded(self, key: bytes, error: ProposalDecodeError) -> Refusal:
        agent_id, proposal_id = error.agent_id or "", error.proposal_id or ""
        refusal = Refusal(error.reason, error.detail, agent_id, proposal_id)
        if not agent_id or self._misrouted(key, agent_id) is not None:
            return refusal
        return self._decidable(refusal)

    def _misrouted(self, key: bytes, agent_id: str) -> Refusal | None:
        if key != agent_id.encode():
            return Refusal(
                "agent_mismatch",
                f"agent_id: {shown(agent_id)} differs from the record key; they must be equal",
            )
        if self._is_routed(key):
            return None
        return Refusal(
            "partition_mismatch",
            f"key: belongs to partition {murmur2_partition(key, self._partitions)}, found on "
            f"{self._partition}; produce with the murmur2_random partitioner",
        )

    def _is_routed(self, key: bytes) -> bool:
        routed = self._routed.get(key)
        if routed is None:
            if len(self._routed) >= _KEYS_REMEMBERED:
                self._routed.clear()
            routed = murmur2_partition(key, self._partitions) == self._partition
            self._routed[key] = routed
        return routed

    @staticmethod
    def _decidable(refusal: Refusal) -> Refusal:
        named = is_identifier(refusal.proposal_id) and is_identifier(refusal.agent_id)
        return refusal._replace(decidable=named)


def shown(value: object) -> str:
    """Return a value for a detail: ASCII and short, the same under every version of Python."""
    return ascii(value)[:SHOWN_CHARACTERS]


def content_type(
    headers: list[tuple[str, bytes | None]] | Mapping[str, bytes] | None,
) -> str | None:
    """Return the last content-type header as text, None if there is none."""
    if not headers:
        return None
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found = [value for name, value in pairs if name.lower() == CONTENT_TYPE]
    return (found[-1] or b"").decode("latin-1") if found else None
